#!/usr/bin/env python3
"""The rival: QEMU by hand, with nothing of vMatrix around it. Prints one JSON object with milliseconds.

    bare.py boot IMAGE WORK          cold boot on the user network, to the first answer
    bare.py resume SNAPSHOT WORK     resume, to the first answer (in a namespace that has the tap tap0); then, set up by
                                     rcon like a match, freeze again with all that it owns

IMAGE has disk, kernel, initrd; SNAPSHOT has disk, memory, state, kernel. WORK is emptied before and after.
"""
import json, os, shutil, socket, subprocess, sys, time

MACHINE, CPU, MEMORY = "pc-q35-10.0", "qemu64", 512
COMMAND_LINE = "root=/dev/vda rw quiet loglevel=3 systemd.show_status=0 net.ifnames=0"
RCON = b"frozen-in-the-snapshot-and-replaced-at-each-resume"
PREFIX = b"\xff\xff\xff\xff"
GUEST = ("10.0.2.15", 27960)


class Qemu:
    """One QEMU process and its monitor."""

    alive = None

    def __init__(self, work, kernel, disk, disk_format, memory, share, netdev, more):
        path = f"{work}/qmp"
        args = ["qemu-system-x86_64", "-nodefaults", "-no-user-config", "-no-reboot", "-display", "none",
                "-machine", f"{MACHINE},memory-backend=mem", "-accel", "tcg", "-cpu", CPU, "-smp", "1",
                "-m", str(MEMORY), "-object", f"memory-backend-file,id=mem,size={MEMORY}M,mem-path={memory},share={share}",
                "-kernel", kernel, "-append", f"{COMMAND_LINE} console=ttyS0 panic=1",
                "-qmp", f"unix:{path},server=on,wait=off", "-chardev", f"file,id=serial0,path={work}/serial.log",
                "-drive", f"if=none,id=disk0,file={disk},format={disk_format},cache=writeback", "-netdev", netdev,
                "-device", "isa-serial,chardev=serial0", "-device", "virtio-blk-pci,drive=disk0,addr=2",
                "-device", "virtio-net-pci,netdev=net0,mac=52:54:00:12:34:56,romfile=,addr=3",
                "-device", "pvpanic-pci,addr=4", "-device", "virtio-rng-pci,addr=5", *more]
        self.started = time.monotonic()
        self.process = subprocess.Popen(args, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
        Qemu.alive = self.process
        self.socket = socket.socket(socket.AF_UNIX)
        while True:
            try:
                self.socket.connect(path)
                break
            except OSError:
                if self.process.poll() is not None:
                    sys.exit("QEMU ended at once")
                time.sleep(0.001)
        self.lines = self.socket.makefile("r")
        self.lines.readline()
        self.command("qmp_capabilities")

    def command(self, name, **arguments):
        self.socket.sendall(json.dumps({"execute": name, "arguments": arguments}).encode() + b"\n")
        while True:
            message = json.loads(self.lines.readline())
            if "error" in message:
                sys.exit(f"{name}: {message['error']['desc']}")
            if "return" in message:
                return

    def capabilities(self, **wanted):
        names = [{"capability": name.replace("_", "-"), "state": on} for name, on in wanted.items()]
        self.command("migrate-set-capabilities", capabilities=names)

    def migrated(self):
        while True:
            message = json.loads(self.lines.readline())
            if message.get("event") == "MIGRATION":
                status = message["data"]["status"]
                if status == "failed":
                    sys.exit("QEMU says failed")
                if status == "completed":
                    return

    def quit(self):
        self.socket.sendall(b'{"execute": "quit"}\n')
        self.process.wait()


def game():
    made = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    made.settimeout(0.05)
    return made


def answered(sock, address, pause, limit=120):
    """Asks until there is an infoResponse, and gives it."""
    deadline = time.monotonic() + limit
    while time.monotonic() < deadline:
        try:
            data = sock.recv(16384)
            if data.startswith(PREFIX + b"infoResponse"):
                return data
            continue
        except OSError:
            pass
        try:
            sock.sendto(PREFIX + b"getinfo bare", address)
        except OSError:
            pass
        sock.settimeout(pause)
    sys.exit("no answer")


def boot(image, work):
    disk = f"{work}/disk"
    subprocess.run(["cp", "--sparse=always", f"{image}/disk", disk], check=True)
    free = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    free.bind(("127.0.0.1", 0))
    address = free.getsockname()
    free.close()
    netdev = f"user,id=net0,hostfwd=udp:127.0.0.1:{address[1]}-10.0.2.15:27960"
    qemu = Qemu(work, f"{image}/kernel", disk, "raw", f"{work}/memory", "on", netdev, ["-initrd", f"{image}/initrd"])
    answered(game(), address, 0.1)
    took = time.monotonic() - qemu.started
    qemu.quit()
    return {"boot": took * 1000}


def resumed(snapshot, work):
    disk = f"{work}/disk"
    subprocess.run(["qemu-img", "create", "-q", "-f", "qcow2", "-F", "raw", "-b", f"{snapshot}/disk", disk], check=True)
    netdev = "tap,id=net0,ifname=tap0,script=no,downscript=no,vnet_hdr=off"
    qemu = Qemu(work, f"{snapshot}/kernel", disk, "qcow2", f"{snapshot}/memory", "off", netdev, ["-S", "-incoming", "defer"])
    qemu.capabilities(events=True, x_ignore_shared=True)
    qemu.command("migrate-incoming", uri=f"file:{snapshot}/state")
    qemu.migrated()
    sock = game()
    sock.sendto(PREFIX + b"getinfo bare", GUEST)
    qemu.command("cont")
    answered(sock, GUEST, 0.05, 30)
    return qemu, (time.monotonic() - qemu.started) * 1000


def taken():
    """Whether the game shows its new name within two seconds: six questions at most."""
    asking = game()
    asking.settimeout(0.3)
    for _ in range(6):
        asking.sendto(PREFIX + b"getinfo bare", GUEST)
        try:
            if b"\\hostname\\bare\\" in asking.recv(16384) + b"\\":
                return True
            time.sleep(0.3)
        except OSError:
            pass
    return False


def resume(snapshot, work):
    qemu, took = resumed(snapshot, work)
    sock = game()
    settings = b'set vm "rconpassword bare;g_password bare;sv_hostname bare;map oa_dm1"'
    # A packet may be lost: then they are said again, after a pause in which nothing is asked, as the game counts questions and
    # settings from one address together and takes ten and then one a second. Once taken, the old password is of no more use.
    for _ in range(8):
        for command in settings, b"vstr vm":
            sock.sendto(PREFIX + b"rcon " + RCON + b" " + command, GUEST)
        if taken():
            break
        time.sleep(10)
    else:
        sys.exit("the game does not take its settings")
    began = time.monotonic()
    qemu.command("stop")
    qemu.capabilities(events=True, x_ignore_shared=False, mapped_ram=True)
    qemu.command("migrate-set-parameters", **{"max-bandwidth": 1 << 40})
    qemu.command("migrate", uri=f"file:{work}/state")
    qemu.migrated()
    qemu.quit()
    return {"resume": took, "resuspend": (time.monotonic() - began) * 1000}


def main():
    verb, source, work = sys.argv[1:]
    source, work = os.path.abspath(source), os.path.abspath(work)
    shutil.rmtree(work, ignore_errors=True)
    os.makedirs(work)
    try:
        print(json.dumps({"boot": boot, "resume": resume}[verb](source, work)))
    finally:
        if Qemu.alive and Qemu.alive.poll() is None:
            Qemu.alive.kill()
            Qemu.alive.wait()
        shutil.rmtree(work, ignore_errors=True)


if __name__ == "__main__":
    main()
