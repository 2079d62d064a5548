//! What must not leave this process with its words or with its memory.
//!
//! Connectors clean what services say. This is the last fence behind them: whatever goes into the log, or is told of a
//! failure or a panic, passes [`hidden`], which knows every secret that was read.

use std::sync::{PoisonError, RwLock};

use sdk::{Redactor, Secret};

static KNOWN: RwLock<Option<Redactor>> = RwLock::new(None);

/// From now on, no log and no complaint shows these.
pub fn hide<'a>(secrets: impl IntoIterator<Item = &'a Secret>) {
    let mut known = KNOWN.write().unwrap_or_else(PoisonError::into_inner);
    let redactor = known.get_or_insert_default();
    secrets.into_iter().for_each(|secret| redactor.add(secret));
}

/// The text with stars in place of each secret that was read so far.
pub fn hidden(text: &str) -> String {
    match &*KNOWN.read().unwrap_or_else(PoisonError::into_inner) {
        Some(redactor) => redactor.hide(text),
        None => text.to_owned(),
    }
}

/// Keeps this process's memory out of core dumps, and from other processes of its user. Where a system knows no such
/// wish, or refuses it, the work goes on without.
pub fn keep_out_of_dumps() {
    #[cfg(unix)]
    {
        use rustix::process::{Resource, Rlimit, setrlimit};
        let _ = setrlimit(Resource::Core, Rlimit { current: Some(0), maximum: Some(0) });
    }
    #[cfg(target_os = "linux")]
    {
        use rustix::process::{DumpableBehavior, set_dumpable_behavior};
        let _ = set_dumpable_behavior(DumpableBehavior::NotDumpable);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_read_is_hidden_from_then_on() {
        let text = "Bearer canary-of-this-test\n  and more";
        assert_eq!(hidden(text), text);
        hide([&Secret::new("canary-of-this-test".to_owned())]);
        assert_eq!(hidden(text), "Bearer ***\n  and more");
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn no_dump_and_no_other_process_sees_our_memory() {
        use rustix::process::{DumpableBehavior, Resource, dumpable_behavior, getrlimit};
        keep_out_of_dumps();
        assert_eq!(dumpable_behavior(), Ok(DumpableBehavior::NotDumpable));
        assert_eq!(getrlimit(Resource::Core).current, Some(0));
        assert_eq!(getrlimit(Resource::Core).maximum, Some(0));
    }
}
