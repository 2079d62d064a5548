//! `check --watch`: what is wrong, told anew whenever a file changes.
//!
//! Files are looked at four times a second, by their stamps; they are read only where a stamp is another, or so young
//! that a further change would not show in it. What has not changed is neither parsed nor checked again.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use flow::Memory;
use sdk::{Clock, SystemClock};
use text::SourceFile;

use super::report::CheckFormat;
use super::{Arguments, checked, tell_all};
use crate::project::ProjectFiles;
use crate::tables::counted;
use crate::{Failure, problems, screen, signals};

/// How often files are looked at.
const LOOK_EVERY: Duration = Duration::from_millis(250);
/// Within this, two changes may have the same stamp.
const YOUNG: Duration = Duration::from_secs(2);

/// Does it, until somebody ends it.
pub async fn run(arguments: &Arguments) -> Result<(), Failure> {
    let stop = signals::stop_token();
    let clock = SystemClock;
    let mut memory = Memory::default();
    let mut seen = Seen::default();
    loop {
        let stamps = Stamps::of(arguments, &seen, &clock);
        if seen.may_differ_from(&stamps) {
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
        screen::say(&format!("Checked again: {}\n\n", changed.join(", ")));
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
    screen::say(&format!("Waiting for changes of {}; Ctrl-C ends.\n", counted(n_files as u64, "file")));
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
    fn may_differ_from(&self, now: &Stamps) -> bool {
        self.stamps.as_ref().is_none_or(|before| before.of_files != now.of_files || before.is_young)
    }
}

/// When files were changed and how long they are, without reading them.
struct Stamps {
    of_files: BTreeMap<PathBuf, (Option<SystemTime>, u64)>,
    /// Whether one of them has changed so recently that its stamp proves nothing yet.
    is_young: bool,
}

impl Stamps {
    /// The files that were read, and the folders in which new ones may appear.
    fn of(arguments: &Arguments, seen: &Seen, clock: &SystemClock) -> Self {
        let mut of_files = BTreeMap::new();
        let mut stamp = |path: &Path| {
            let metadata = fs::metadata(path).ok();
            let modified = metadata.as_ref().and_then(|metadata| metadata.modified().ok());
            of_files.insert(path.to_owned(), (modified, metadata.map_or(0, |metadata| metadata.len())));
        };
        seen.places.iter().for_each(|path| stamp(path));
        arguments.paths.iter().for_each(|path| stamp(path));
        for dir in arguments.paths.iter().cloned().chain(arguments.place.place().map(|place| place.dir)) {
            stamp(&dir);
            ["flows", "connectors", "schemas"].iter().for_each(|folder| stamp(&dir.join(folder)));
        }
        let now = clock.now().millis();
        let is_young = of_files.values().filter_map(|(modified, _)| *modified).any(|modified| {
            let modified = modified.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
            i128::from(now) - i128::try_from(modified.as_millis()).unwrap_or_default() < YOUNG.as_millis() as i128
        });
        Self { of_files, is_young }
    }
}

/// What files hold, or why they cannot be read.
#[derive(PartialEq)]
struct Texts {
    files: Vec<SourceFile>,
    troubles: Vec<String>,
}

impl Texts {
    fn of(files: &Result<ProjectFiles, Failure>) -> Self {
        match files {
            Ok(files) => {
                let unread = files.diagnostics.iter().map(|diagnostic| diagnostic.message.clone());
                let troubles = unread.chain(files.unreadable.iter().map(|failure| problems::sentence(failure)));
                Self { files: files.sources(), troubles: troubles.collect() }
            }
            Err(failure) => Self { files: Vec::new(), troubles: vec![problems::sentence(failure)] },
        }
    }

    /// In words, what is another than before.
    fn changed_since(&self, before: &Self) -> Vec<String> {
        let find = |texts: &Self, path: &str| texts.files.iter().find(|file| &*file.path == path).cloned();
        let shown = |file: &SourceFile| format!("`{}`", text::visible(&file.path));
        let mut changed = Vec::new();
        for file in &self.files {
            match find(before, &file.path) {
                None => changed.push(format!("{} is new", shown(file))),
                Some(known) if known.text != file.text => changed.push(format!("{} has changed", shown(file))),
                Some(_) => {}
            }
        }
        let gone = before.files.iter().filter(|file| find(self, &file.path).is_none());
        changed.extend(gone.map(|file| format!("{} is gone", shown(file))));
        changed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_read_again_where_their_stamps_prove_nothing() {
        let stamps = |length, is_young| {
            let of_files = BTreeMap::from([(PathBuf::from("a.yaml"), (Some(SystemTime::UNIX_EPOCH), length))]);
            Some(Stamps { of_files, is_young })
        };
        let now = stamps(1, false).expect("stamps");
        for (before, may_differ) in
            [(None, true), (stamps(1, false), false), (stamps(2, false), true), (stamps(1, true), true)]
        {
            let seen = Seen { stamps: before, ..Seen::default() };
            assert_eq!(seen.may_differ_from(&now), may_differ);
        }
    }
}
