//! An author's files with other text: shown as a diff, or written.
//!
//! A file is replaced as a whole or not at all, and not if somebody has changed it meanwhile.

use std::fs;
use std::io::{self, Write as _};
use std::path::Path;

use owo_colors::OwoColorize as _;

/// A diff as it is shown.
pub fn coloured_diff(diff: &str) -> String {
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
pub fn replace(path: &Path, before: &str, after: &str) -> io::Result<()> {
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
