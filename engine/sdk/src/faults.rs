//! Named crash points and planted bugs, for tests that must see the engine fail.
//!
//! Without the feature `faults` every function here is empty and costs nothing. With it, a test plants a bug by name,
//! and either a test's hook or the environment decides what a crash point does:
//! `MILLRACE_CRASH=name:n` kills the process with SIGKILL at the n-th visit of that point,
//! `MILLRACE_PLANT=name` plants a bug in a real binary, `MILLRACE_CRASH_LOG=FILE` appends every visit's name.

/// A named point at which a test may stop the engine.
#[cfg(not(feature = "faults"))]
#[inline(always)]
pub fn point(_name: &'static str) {}

/// Whether this bug is planted.
#[cfg(not(feature = "faults"))]
#[inline(always)]
pub const fn planted(_name: &'static str) -> bool {
    false
}

#[cfg(feature = "faults")]
pub use enabled::{Crash, Hook, plant, planted, point, set_hook};

#[cfg(feature = "faults")]
mod enabled {
    use std::cell::RefCell;
    use std::collections::BTreeMap;
    use std::io::Write as _;
    use std::sync::{LazyLock, Mutex};

    /// What a test's hook panics with, so that it is not taken for a panic of ours.
    #[derive(Debug)]
    pub struct Crash;

    /// What a test does at a crash point; it may panic, and the panic is the crash.
    pub type Hook = Box<dyn FnMut(&'static str)>;

    thread_local! {
        static HOOK: RefCell<Option<Hook>> = const { RefCell::new(None) };
        static PLANTED: RefCell<Option<String>> = const { RefCell::new(None) };
    }

    static ENVIRONMENT_PLANT: LazyLock<Option<String>> = LazyLock::new(|| std::env::var("MILLRACE_PLANT").ok());
    static CRASH: LazyLock<Option<(String, u64)>> = LazyLock::new(|| {
        let wish = std::env::var("MILLRACE_CRASH").ok()?;
        let (name, visit) = wish.split_once(':')?;
        Some((name.to_owned(), visit.parse().ok()?))
    });
    static VISITS: LazyLock<Mutex<BTreeMap<&'static str, u64>>> = LazyLock::new(Mutex::default);
    static LOG: LazyLock<Option<Mutex<std::fs::File>>> = LazyLock::new(|| {
        let path = std::env::var_os("MILLRACE_CRASH_LOG")?;
        std::fs::OpenOptions::new().create(true).append(true).open(path).ok().map(Mutex::new)
    });

    /// Sets this thread's hook for crash points.
    pub fn set_hook(hook: Option<Hook>) {
        HOOK.with(|slot| *slot.borrow_mut() = hook);
    }

    /// Plants a bug for this thread; `None` takes it out.
    pub fn plant(name: Option<&str>) {
        PLANTED.with(|slot| *slot.borrow_mut() = name.map(str::to_owned));
    }

    /// Whether this bug is planted.
    pub fn planted(name: &'static str) -> bool {
        ENVIRONMENT_PLANT.as_deref() == Some(name) || PLANTED.with(|slot| slot.borrow().as_deref() == Some(name))
    }

    /// A named point at which a test may stop the engine.
    pub fn point(name: &'static str) {
        if let Some(log) = &*LOG {
            let mut log = log.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
            // A visit that cannot be logged is a visit that the test will miss, and say so.
            let _ = writeln!(log, "{name}");
        }
        if let Some((wanted, visit)) = &*CRASH
            && wanted == name
        {
            let mut visits = VISITS.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
            let count = visits.entry(name).or_default();
            *count += 1;
            if count == visit {
                let _ = rustix::process::kill_process(rustix::process::getpid(), rustix::process::Signal::KILL);
            }
        }
        // Taken out while it runs, so that a hook that panics leaves nothing borrowed.
        let hook = HOOK.with(|slot| slot.borrow_mut().take());
        if let Some(mut hook) = hook {
            hook(name);
            HOOK.with(|slot| {
                slot.borrow_mut().get_or_insert(hook);
            });
        }
    }
}
