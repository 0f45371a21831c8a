use super::*;
use proptest::prelude::*;

const NOTHING: Seen = Seen {
    fetched: false,
    suspended: false,
    wired: false,
    vmm: Vmm::Off,
    ready: false,
    open: false,
};

/// What a host is like after a step that succeeds. Refuses what must never be done.
fn after(step: Step, mut seen: Seen) -> Seen {
    match step {
        Step::Fetch => seen.fetched = true,
        Step::Wire => seen.wired = true,
        Step::Launch => {
            assert!(
                seen.vmm == Vmm::Off && seen.wired && seen.fetched,
                "two QEMUs, or one without network: {seen:?}"
            );
            seen.vmm = Vmm::Paused;
        }
        Step::Run => {
            assert_eq!(seen.vmm, Vmm::Paused);
            seen.vmm = Vmm::Running;
        }
        Step::Configure => {
            assert!(
                seen.vmm == Vmm::Running && !seen.open,
                "configured while strangers can come: {seen:?}"
            );
            seen.ready = true;
        }
        Step::Open => {
            assert!(
                seen.ready && seen.vmm == Vmm::Running,
                "opened unconfigured: {seen:?}"
            );
            seen.open = true;
        }
        Step::Close => seen.open = false,
        Step::Freeze => {
            assert!(
                seen.vmm == Vmm::Running && !seen.open,
                "frozen while players are in: {seen:?}"
            );
            seen.suspended = true;
            seen = died(seen);
        }
        Step::End => {
            assert!(!seen.open, "ended while players are in: {seen:?}");
            seen = died(seen);
        }
        Step::Unwire => {
            assert_eq!(seen.vmm, Vmm::Off, "network taken from a guest");
            seen.wired = false;
        }
        Step::Remove => seen = NOTHING,
        Step::Watch | Step::Rest => {}
    }
    seen
}

/// QEMU is gone: the way in is still there.
fn died(seen: Seen) -> Seen {
    Seen {
        vmm: Vmm::Off,
        ready: false,
        ..seen
    }
}

/// The agent was killed and started again: what it only remembered is lost.
fn restarted(seen: Seen) -> Seen {
    // A guest that was up but not loaded is ended by adoption; readiness is written down only after it was reached.
    if seen.vmm == Vmm::Paused { died(seen) } else { seen }
}

fn settles(goal: Option<Goal>, mut seen: Seen) -> (Seen, usize) {
    for steps in 0..20 {
        let step = next(goal, &seen);
        let done = matches!(step, Step::Watch | Step::Rest) || (step == Step::Remove && seen == NOTHING);
        if done {
            return (seen, steps);
        }
        seen = after(step, seen);
    }
    panic!("{goal:?} never reached, at {seen:?}");
}

fn reached(goal: Option<Goal>, seen: &Seen) -> bool {
    match goal {
        Some(Goal::Open) => seen.open && seen.ready && seen.vmm == Vmm::Running && seen.wired,
        Some(Goal::Fetched | Goal::Suspended) => {
            (seen.fetched || seen.suspended) && !seen.open && seen.vmm == Vmm::Off && !seen.wired
        }
        None => *seen == NOTHING,
    }
}

fn goals() -> impl Strategy<Value = Option<Goal>> {
    prop_oneof![
        Just(None),
        Just(Some(Goal::Fetched)),
        Just(Some(Goal::Open)),
        Just(Some(Goal::Suspended))
    ]
}

fn anything() -> impl Strategy<Value = Seen> {
    let vmm = prop_oneof![Just(Vmm::Off), Just(Vmm::Paused), Just(Vmm::Running)];
    (any::<[bool; 5]>(), vmm).prop_map(|([fetched, suspended, wired, ready, open], vmm)| {
        // Readiness is of a running guest; what adoption cannot know it does not claim.
        Seen {
            fetched,
            suspended,
            wired,
            vmm,
            ready: ready && vmm == Vmm::Running,
            open,
        }
    })
}

proptest! {
    #[test]
    fn from_whatever_is_there_every_goal_is_reached(goal in goals(), seen in anything()) {
        let (end, _) = settles(goal, seen);
        prop_assert!(reached(goal, &end), "{:?} ends at {:?}", goal, end);
    }

    /// Whatever else is amiss: a match that is being played goes on.
    #[test]
    fn what_is_open_and_ready_is_never_ended_while_it_is_wanted(seen in anything()) {
        let mut seen = Seen { vmm: Vmm::Running, ready: true, open: true, ..seen };
        for _ in 0..20 {
            let step = next(Some(Goal::Open), &seen);
            prop_assert!(!matches!(step, Step::End | Step::Close | Step::Freeze | Step::Unwire), "{:?}: {:?}", seen, step);
            seen = after(step, seen);
        }
    }

    #[test]
    fn being_there_is_staying_there(goal in goals(), seen in anything()) {
        let (end, _) = settles(goal, seen);
        prop_assert_eq!(settles(goal, end), (end, 0));
    }

    /// QEMU or the agent killed at any step, goals that change: the same end, and no forbidden step on the way.
    #[test]
    fn killed_at_any_step_it_ends_the_same(
        story in prop::collection::vec((goals(), 0_usize..9, any::<bool>(), any::<bool>()), 1..12),
        last in goals(),
    ) {
        let mut seen = NOTHING;
        for (goal, steps, qemu_dies, agent_dies) in story {
            for _ in 0..steps {
                seen = after(next(goal, &seen), seen);
            }
            if qemu_dies {
                seen = died(seen);
            }
            if agent_dies {
                seen = restarted(seen);
            }
        }
        let (end, _) = settles(last, seen);
        prop_assert!(reached(last, &end));
    }
}

#[test]
fn a_fresh_vm_takes_the_steps_in_order() {
    let mut seen = NOTHING;
    let mut steps = Vec::new();
    loop {
        let step = next(Some(Goal::Open), &seen);
        if step == Step::Watch {
            break;
        }
        steps.push(step);
        seen = after(step, seen);
    }
    assert_eq!(
        steps,
        [
            Step::Fetch,
            Step::Wire,
            Step::Launch,
            Step::Run,
            Step::Configure,
            Step::Open
        ]
    );
}

#[test]
fn a_vm_that_served_is_frozen_and_not_thrown_away() {
    let open = Seen {
        fetched: true,
        wired: true,
        vmm: Vmm::Running,
        ready: true,
        open: true,
        ..NOTHING
    };
    let (end, _) = settles(Some(Goal::Suspended), open);
    assert!(end.suspended);
    assert_eq!(phase(Some(Goal::Suspended), &end), Phase::Suspended);
}

#[test]
fn a_woken_vm_that_dies_is_still_suspended_as_it_last_was() {
    let slept = Seen {
        fetched: true,
        suspended: true,
        ..NOTHING
    };
    let (woken, _) = settles(Some(Goal::Open), slept);
    let (end, _) = settles(Some(Goal::Suspended), died(woken));
    assert_eq!(phase(Some(Goal::Suspended), &end), Phase::Suspended);
}

#[test]
fn a_vm_that_dies_while_open_is_closed_before_it_is_resumed() {
    let open = Seen {
        fetched: true,
        wired: true,
        vmm: Vmm::Running,
        ready: true,
        open: true,
        ..NOTHING
    };
    assert_eq!(next(Some(Goal::Open), &died(open)), Step::Close);
}
