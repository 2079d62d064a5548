//! A project's files, looked at for changes.
//!
//! Files are looked at four times a second, by their stamps; they are read only where a stamp is another, or so young
//! that a further change would not show in it. What is looked at is a path, so it does not matter whether an editor
//! writes a file or puts another in its place.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use sdk::{Clock, SystemClock};
use text::SourceFile;

use crate::project::{self, ProjectFiles};
use crate::{Failure, problems};

/// How often files are looked at.
pub const LOOK_EVERY: Duration = Duration::from_millis(250);
/// Within this, two changes may have the same stamp.
const YOUNG: Duration = Duration::from_secs(2);

/// Waits for changes of a project that have come to rest.
pub struct Watch {
    dir: PathBuf,
    env: Option<String>,
    stamps: Option<Stamps>,
    /// What was taken up last.
    taken: Texts,
    /// What was seen at the last look, if that is another.
    pending: Option<Texts>,
    places: BTreeSet<PathBuf>,
}

impl Watch {
    /// Watches a project whose files were taken up.
    pub fn new(dir: &Path, env: Option<&str>, taken: Texts) -> Self {
        let (dir, env) = (dir.to_owned(), env.map(str::to_owned));
        Self { dir, env, stamps: None, taken, pending: None, places: BTreeSet::new() }
    }

    /// Returns when files are other than those taken up, and have stayed so from one look to the next. Dropping the
    /// future loses nothing.
    pub async fn changed(&mut self, clock: &SystemClock) {
        loop {
            clock.sleep(LOOK_EVERY).await;
            if self.look(clock) {
                return;
            }
        }
    }

    fn look(&mut self, clock: &SystemClock) -> bool {
        let stamps = Stamps::of(self.places.iter().cloned().chain(project::folders(&self.dir)), clock);
        let may_differ = self.stamps.as_ref().is_none_or(|before| before.may_differ_from(&stamps));
        if !may_differ && self.pending.is_none() {
            return false;
        }
        let files = ProjectFiles::read_whatever_there_is(&self.dir, self.env.as_deref());
        let now = Texts::of(&files);
        self.places = files.map(|files| files.places.into_values().collect()).unwrap_or_default();
        self.stamps = Some(stamps);
        if now == self.taken {
            self.pending = None;
            return false;
        }
        let has_come_to_rest = self.pending.as_ref() == Some(&now);
        if has_come_to_rest {
            self.taken = now;
            self.pending = None;
        } else {
            self.pending = Some(now);
        }
        has_come_to_rest
    }
}

/// When files were changed and how long they are, without reading them.
pub struct Stamps {
    of_files: BTreeMap<PathBuf, (Option<SystemTime>, u64)>,
    /// Whether one of them has changed so recently that its stamp proves nothing yet.
    is_young: bool,
}

impl Stamps {
    /// Those of these files and folders. A folder has another stamp when a file comes or goes.
    pub fn of(paths: impl IntoIterator<Item = PathBuf>, clock: &SystemClock) -> Self {
        let stamp = |path: PathBuf| {
            let metadata = fs::metadata(&path).ok();
            let modified = metadata.as_ref().and_then(|metadata| metadata.modified().ok());
            (path, (modified, metadata.map_or(0, |metadata| metadata.len())))
        };
        let of_files: BTreeMap<_, _> = paths.into_iter().map(stamp).collect();
        let now = clock.now().millis();
        let is_young = of_files.values().filter_map(|(modified, _)| *modified).any(|modified| {
            let modified = modified.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
            i128::from(now) - i128::try_from(modified.as_millis()).unwrap_or_default() < YOUNG.as_millis() as i128
        });
        Self { of_files, is_young }
    }

    /// Whether the files may be others than when these were taken.
    pub fn may_differ_from(&self, now: &Self) -> bool {
        self.of_files != now.of_files || self.is_young
    }
}

/// What files hold, or why they cannot be read.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Texts {
    files: Vec<SourceFile>,
    troubles: Vec<String>,
}

impl Texts {
    /// Those of what was read.
    pub fn of(files: &Result<ProjectFiles, Failure>) -> Self {
        match files {
            Ok(files) => Self::of_files(files),
            Err(failure) => Self { files: Vec::new(), troubles: vec![problems::sentence(failure)] },
        }
    }

    /// Those of a project.
    pub fn of_files(files: &ProjectFiles) -> Self {
        let unread = files.diagnostics.iter().map(|diagnostic| diagnostic.message.clone());
        let troubles = unread.chain(files.unreadable.iter().map(|failure| problems::sentence(failure)));
        Self { files: files.sources(), troubles: troubles.collect() }
    }

    /// The text of a file.
    pub fn find(&self, path: &str) -> Option<&SourceFile> {
        self.files.iter().find(|file| &*file.path == path)
    }

    /// The files that are others than before, new or gone.
    pub fn changed_paths(&self, before: &Self) -> BTreeSet<String> {
        let all = self.files.iter().chain(&before.files).map(|file| &*file.path);
        all.filter(|path| self.find(path) != before.find(path)).map(str::to_owned).collect()
    }

    /// In words, what is another than before.
    pub fn changed_since(&self, before: &Self) -> Vec<String> {
        let shown = |file: &SourceFile| format!("`{}`", text::visible(&file.path));
        let mut changed = Vec::new();
        for file in &self.files {
            match before.find(&file.path) {
                None => changed.push(format!("{} is new", shown(file))),
                Some(known) if known.text != file.text => changed.push(format!("{} has changed", shown(file))),
                Some(_) => {}
            }
        }
        let gone = before.files.iter().filter(|file| self.find(&file.path).is_none());
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
            Stamps { of_files, is_young }
        };
        let now = stamps(1, false);
        for (before, may_differ) in [(stamps(1, false), false), (stamps(2, false), true), (stamps(1, true), true)] {
            assert_eq!(before.may_differ_from(&now), may_differ);
        }
    }

    #[test]
    fn a_change_counts_once_it_has_come_to_rest() {
        let dir = tempfile::tempdir().unwrap();
        let write = |text: &str| {
            // As many editors do: beside it first, then in its place.
            fs::write(dir.path().join("flows/.a.yaml.swp"), text).unwrap();
            fs::rename(dir.path().join("flows/.a.yaml.swp"), dir.path().join("flows/a.yaml")).unwrap();
        };
        fs::create_dir(dir.path().join("flows")).unwrap();
        write("flow: a\n");
        let taken = Texts::of(&ProjectFiles::read_whatever_there_is(dir.path(), None));
        let mut watch = Watch::new(dir.path(), None, taken);
        let clock = SystemClock;
        assert!(!watch.look(&clock), "nothing has changed");
        write("flow: b");
        assert!(!watch.look(&clock), "more may come");
        write("flow: b\n");
        assert!(!watch.look(&clock), "more came");
        assert!(watch.look(&clock), "it has come to rest");
        assert!(!watch.look(&clock), "it was told");
        write("flow: c\n");
        assert!(!watch.look(&clock));
        write("flow: b\n");
        assert!(!watch.look(&clock) && !watch.look(&clock), "it is back to what was taken up");
        fs::remove_file(dir.path().join("flows/a.yaml")).unwrap();
        assert!(!watch.look(&clock) && watch.look(&clock), "a file that is gone is a change");
    }
}
