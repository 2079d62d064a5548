//! `check --fix` and `--diff`: corrections put into an author's files.
//!
//! Only what `text::mend` finds proven is written; all other bytes of a file stay as they are. A file is replaced as a
//! whole or not at all, and not if somebody has changed it meanwhile.

use std::fs;
use std::io::{self, Write as _};
use std::path::Path;

use flow::Memory;
use owo_colors::OwoColorize as _;
use text::{Change, Mended, SourceFile};

use super::report::CheckFormat;
use super::{Arguments, checked, checked_in, mistakes, tell_all};
use crate::project::ProjectFiles;
use crate::tables::counted;
use crate::{Failure, problems, screen};

/// Does it.
pub fn run(arguments: &Arguments, files: ProjectFiles) -> Result<(), Failure> {
    let folder = std::path::absolute(&files.dir).map_err(Failure::file("find", &files.dir))?;
    let mut memory = Memory::default();
    let before = files.sources();
    let mended =
        text::mend(before.clone(), |texts| checked_in(&files.with_texts(texts), &folder, &mut memory).diagnostics);
    if arguments.diff {
        return show(&files, &before, &mended);
    }
    let mut n_written = 0;
    for (before, after) in changed(&before, &mended) {
        let path = files.places.get(&before.path).map_or(Path::new(&*before.path), |path| path.as_path());
        replace(path, &before.text, &after.text).map_err(Failure::file("write", path))?;
        n_written += 1;
    }
    if !mended.changes.is_empty() {
        let mut out: String = mended.changes.iter().map(told).collect();
        let n_changes = counted(mended.changes.len() as u64, "correction");
        out.push_str(&format!("{n_changes} written into {}.\n", counted(n_written, "file")));
        match arguments.format {
            CheckFormat::Text => screen::say(&out),
            // What programs read holds nothing else.
            CheckFormat::Json | CheckFormat::Sarif | CheckFormat::Github => screen::complain(&out),
        }
    }
    let mut now = files.with_texts(&mended.files);
    now.unreadable = files.unreadable;
    let checked = checked(&now, &mut memory)?;
    tell_all(&now, &checked, arguments.format)
}

/// Shows what would be changed; fails where anything would be, or where something is wrong besides.
fn show(files: &ProjectFiles, before: &[SourceFile], mended: &Mended) -> Result<(), Failure> {
    for (before, after) in changed(before, mended) {
        screen::say(&coloured(&text::unified(&text::visible(&before.path), &before.text, &after.text)));
    }
    problems::show_diagnostics(&mended.left, &mended.files);
    files.unreadable.iter().for_each(problems::show);
    let (n_changes, n_left) = (mended.changes.len() as u64, problems::summary(&mended.left));
    let is_bad = mended.left.iter().any(text::Diagnostic::is_error) || !files.unreadable.is_empty();
    let summary = match (n_changes, mended.left.is_empty() && files.unreadable.is_empty()) {
        (0, _) if is_bad => return Err(mistakes(&mended.left, files.unreadable.len() as u64, before.len() as u64)),
        (0, _) => {
            screen::say("Nothing to correct.\n");
            return Ok(());
        }
        (_, true) => format!("`millrace check --fix` writes {}", counted(n_changes, "correction")),
        (_, false) => {
            format!("`millrace check --fix` writes {} and leaves {n_left}", counted(n_changes, "correction"))
        }
    };
    Err(Failure::Mistakes { summary })
}

/// The files whose text is another now, before and after.
fn changed<'a>(before: &'a [SourceFile], mended: &'a Mended) -> impl Iterator<Item = (&'a SourceFile, &'a SourceFile)> {
    before.iter().zip(&mended.files).filter(|(before, after)| before.text != after.text)
}

/// One correction, on one line.
fn told(change: &Change) -> String {
    let place = format!("{}:{}:{}", text::visible(&change.file), change.position.line, change.position.column);
    let shown = |text: &str| format!("`{}`", text::shown(text.trim_end()));
    let what = match change.before.as_str() {
        "" => format!("{} added", shown(&change.after)),
        before => format!("{} → {}", shown(before), shown(&change.after)),
    };
    format!("{} {place}: {what}\n", change.code.green())
}

fn coloured(diff: &str) -> String {
    let line = |line: &str| {
        // The line's own characters have no power over the terminal.
        let shown = text::visible(line.trim_end_matches(['\n', '\r']));
        match line.as_bytes().first() {
            Some(b'+') => format!("{}\n", shown.green()),
            Some(b'-') => format!("{}\n", shown.red()),
            Some(b'@') => format!("{}\n", shown.cyan()),
            Some(_) | None => format!("{shown}\n"),
        }
    };
    diff.split_inclusive('\n').map(line).collect()
}

/// Replaces a file's text as a whole: beside it first, then in its place.
fn replace(path: &Path, before: &str, after: &str) -> io::Result<()> {
    const BYTE_ORDER_MARK: &str = "\u{feff}";
    // A link stays one: what it leads to is replaced.
    let path = fs::canonicalize(path)?;
    let there = fs::read_to_string(&path)?;
    let mark = if there.starts_with(BYTE_ORDER_MARK) { BYTE_ORDER_MARK } else { "" };
    if &there[mark.len()..] != before {
        return Err(io::Error::other("somebody has changed it meanwhile; check again"));
    }
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let unfinished = path.with_file_name(format!(".{name}.{}.tmp", std::process::id()));
    let written = (|| {
        let mut file = fs::File::create(&unfinished)?;
        file.set_permissions(fs::metadata(&path)?.permissions())?;
        file.write_all(mark.as_bytes())?;
        file.write_all(after.as_bytes())?;
        file.sync_all()?;
        fs::rename(&unfinished, &path)
    })();
    if written.is_err() {
        // What could not be finished is of no use; that it cannot be removed either changes nothing.
        let _ = fs::remove_file(&unfinished);
    }
    written
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_replaced_as_a_whole_and_keeps_what_it_is() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a.yaml");
        fs::write(&path, "\u{feff}a: 1\r\n").unwrap();
        replace(&path, "a: 1\r\n", "a: 2\r\n").unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "\u{feff}a: 2\r\n");
        let refused = replace(&path, "a: 1\r\n", "a: 3\r\n").unwrap_err();
        assert!(refused.to_string().contains("somebody has changed it"), "{refused}");
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1, "nothing is left beside it");
    }

    #[cfg(unix)]
    #[test]
    fn links_and_rights_stay() {
        use std::os::unix::fs::{PermissionsExt as _, symlink};
        let dir = tempfile::tempdir().unwrap();
        let (real, link) = (dir.path().join("real.yaml"), dir.path().join("link.yaml"));
        fs::write(&real, "a: 1\n").unwrap();
        fs::set_permissions(&real, fs::Permissions::from_mode(0o640)).unwrap();
        symlink("real.yaml", &link).unwrap();
        replace(&link, "a: 1\n", "a: 2\n").unwrap();
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
        assert_eq!(fs::read_to_string(&real).unwrap(), "a: 2\n");
        assert_eq!(fs::metadata(&real).unwrap().permissions().mode() & 0o777, 0o640);
    }
}
