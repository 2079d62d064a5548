//! `check --fix` and `--diff`: corrections put into an author's files.
//!
//! Only what `text::mend` finds proven is written; all other bytes of a file stay as they are.

use std::path::Path;

use flow::Memory;
use owo_colors::OwoColorize as _;
use text::{Change, Mended, SourceFile};

use super::report::CheckFormat;
use super::{Arguments, checked, checked_in, mistakes, tell_all};
use crate::project::ProjectFiles;
use crate::tables::counted;
use crate::{Failure, problems, rewriting, screen};

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
        rewriting::replace(path, &before.text, &after.text).map_err(Failure::file("write", path))?;
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
        screen::say(&rewriting::coloured_diff(&text::unified(&text::visible(&before.path), &before.text, &after.text)));
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
