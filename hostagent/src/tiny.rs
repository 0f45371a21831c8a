//! The smallest guest that shows whether an accelerator works: a kernel for direct boot (PVH) that does what every real
//! kernel does first, switches on paging and 64-bit mode, uses memory, and then works for a while: 0.6 MB by `rep stosb` and
//! 800 million instructions. It switches QEMU off by its `isa-debug-exit` device. An accelerator on which a stock
//! kernel dies at once, or that is emulated itself and makes each instruction a trip through a host, does not get through it
//! in time.

/// What QEMU ends with when the guest got through: the guest writes 0x10, the device makes it `2 * 0x10 + 1`.
pub(crate) const STATUS: i32 = 0x21;

/// Where the code is loaded and starts, in 32-bit mode without paging.
const START: u32 = 0x0010_0000;

#[rustfmt::skip]
const CODE: [u8; 166] = [
    0xc7, 0x05, 0x00, 0x00, 0x20, 0x00, 0x03, 0x10, 0x20, 0x00, // movl $0x201003, 0x200000   page tables:
    0xc7, 0x05, 0x00, 0x10, 0x20, 0x00, 0x03, 0x20, 0x20, 0x00, // movl $0x202003, 0x201000   the first 2 MiB
    0xc7, 0x05, 0x00, 0x20, 0x20, 0x00, 0x83, 0x00, 0x00, 0x00, // movl $0x83, 0x202000       as they are
    0xb8, 0x00, 0x00, 0x20, 0x00,                               // mov  $0x200000, %eax
    0x0f, 0x22, 0xd8,                                           // mov  %eax, %cr3
    0x0f, 0x20, 0xe0, 0x83, 0xc8, 0x20, 0x0f, 0x22, 0xe0,       // cr4 |= PAE
    0xb9, 0x80, 0x00, 0x00, 0xc0, 0x0f, 0x32,                   // read EFER
    0x0d, 0x00, 0x01, 0x00, 0x00, 0x0f, 0x30,                   // EFER |= LME
    0x0f, 0x20, 0xc0, 0x0d, 0x00, 0x00, 0x00, 0x80,             // cr0 |= PG
    0x0f, 0x22, 0xc0,
    0x0f, 0x01, 0x15, 0xa0, 0x00, 0x10, 0x00,                   // lgdt 0x1000a0
    0xea, 0x56, 0x00, 0x10, 0x00, 0x08, 0x00,                   // ljmp $8, $0x100056: 64-bit from here
    0xbf, 0x00, 0x00, 0x16, 0x00,                               // mov  $0x160000, %edi
    0xb9, 0x00, 0x00, 0x09, 0x00,                               // mov  $0x90000, %ecx
    0xf3, 0xaa,                                                 // rep stosb
    0xb9, 0x00, 0x84, 0xd7, 0x17,                               // mov  $400000000, %ecx
    0xff, 0xc9, 0x75, 0xfc,                                     // count down to zero
    0x0f, 0x1f, 0x00,                                           // nop
    0x31, 0xc0, 0x0f, 0xa2,                                     // cpuid 0
    0x48, 0x89, 0x1c, 0x25, 0x00, 0x00, 0x15, 0x00,             // mov  %rbx, 0x150000
    0x48, 0x8b, 0x14, 0x25, 0x00, 0x00, 0x15, 0x00,             // mov  0x150000, %rdx
    0x48, 0x39, 0xda, 0x75, 0x04,                               // if they differ, hang
    0xb0, 0x10, 0xe6, 0xf4,                                     // outb $0x10, $0xf4
    0xf4, 0xeb, 0xfd, 0x66, 0x90,                               // hlt for ever
    0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,             // gdt: nothing,
    0xff, 0xff, 0x00, 0x00, 0x00, 0x9b, 0xaf, 0x00,             //      64-bit code
    0x0f, 0x00, 0x90, 0x00, 0x10, 0x00,                         // its length and place
];

/// The guest as an ELF file.
pub(crate) fn guest() -> Vec<u8> {
    const HEADERS: u64 = 64 + 2 * 56;
    const NOTE: u64 = 24;
    let mut file = Vec::new();
    // ELF, 64 bits, little endian; executable for x86-64.
    file.extend_from_slice(b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0");
    file.extend([2_u16, 62].iter().flat_map(|half| half.to_le_bytes()));
    file.extend(1_u32.to_le_bytes());
    file.extend(
        [u64::from(START), 64, 0]
            .iter()
            .flat_map(|word| word.to_le_bytes()),
    );
    file.extend(0_u32.to_le_bytes());
    file.extend(
        [64_u16, 56, 2, 64, 0, 0]
            .iter()
            .flat_map(|half| half.to_le_bytes()),
    );
    let mut segment = |kind: u32, flags: u32, offset: u64, address: u64, length: u64, align: u64| {
        file.extend(kind.to_le_bytes());
        file.extend(flags.to_le_bytes());
        for word in [offset, address, address, length, length, align] {
            file.extend(word.to_le_bytes());
        }
    };
    segment(1, 7, HEADERS + NOTE, START.into(), CODE.len() as u64, 1);
    segment(4, 4, HEADERS, 0, NOTE, 4);
    // The note that says where a PVH kernel starts.
    file.extend([4_u32, 8, 18].iter().flat_map(|word| word.to_le_bytes()));
    file.extend_from_slice(b"Xen\0");
    file.extend(u64::from(START).to_le_bytes());
    file.extend_from_slice(&CODE);
    file
}
