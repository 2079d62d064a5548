//! `check --watch`: what is wrong, told anew whenever a file changes.
//!
//! What has not changed is neither parsed nor checked again.

use std::path::PathBuf;

use flow::Memory;
use sdk::{Clock, SystemClock};

use super::report::CheckFormat;
use super::{Arguments, checked, tell_all};
use crate::project::{self, ProjectFiles};
use crate::tables::counted;
use crate::watching::{LOOK_EVERY, Stamps, Texts};
use crate::{Failure, problems, screen, signals};

/// Does it, until somebody ends it.
pub async fn run(arguments: &Arguments) -> Result<(), Failure> {
    let stop = signals::stop_token();
    let clock = SystemClock;
    let mut memory = Memory::default();
    let mut seen = Seen::default();
    loop {
        let stamps = Stamps::of(seen.looked_at(arguments), &clock);
        if seen.stamps.as_ref().is_none_or(|before| before.may_differ_from(&stamps)) {
            let files = arguments.files();
            // What could not even be listed is told once, and again when it is told differently.
            let now = Texts::of(&files);
            if seen.texts.as_ref() != Some(&now) {
                let changed = seen.texts.as_ref().map(|before| now.changed_since(before));
                show(&files, changed.as_deref(), &mut memory);
                seen.texts = Some(now);
            }
            seen.places = files.map(|files| files.places.into_values().collect()).unwrap_or_default();
            seen.stamps = Some(stamps);
        }
        tokio::select! {
            () = clock.sleep(LOOK_EVERY) => {}
            () = stop.cancelled() => return Ok(()),
        }
    }
}

/// Tells what is wrong now; `changed` is what has changed since it was told before.
fn show(files: &Result<ProjectFiles, Failure>, changed: Option<&[String]>, memory: &mut Memory) {
    screen::clear();
    if let Some(changed) = changed {
        screen::tell(&format!("Checked again: {}\n\n", changed.join(", ")));
    }
    let told = match files {
        Ok(files) => checked(files, memory).and_then(|checked| tell_all(files, &checked, CheckFormat::Text)),
        Err(failure) => {
            problems::show(failure);
            Ok(())
        }
    };
    if let Err(failure) = told {
        problems::show(&failure);
    }
    let n_files = files.as_ref().map_or(0, |files| files.places.len());
    screen::tell(&format!("Waiting for changes of {}; Ctrl-C ends.\n", counted(n_files as u64, "file")));
}

/// What was seen when it was told last.
#[derive(Default)]
struct Seen {
    stamps: Option<Stamps>,
    texts: Option<Texts>,
    /// The files that were read.
    places: Vec<PathBuf>,
}

impl Seen {
    /// The files that were read, and the folders in which new ones may appear.
    fn looked_at(&self, arguments: &Arguments) -> Vec<PathBuf> {
        let dirs = arguments.paths.iter().cloned().chain(arguments.place.place().map(|place| place.dir));
        let folders = dirs.flat_map(|dir| project::folders(&dir));
        self.places.iter().cloned().chain(folders).collect()
    }
}
