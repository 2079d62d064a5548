//! What `check --fix` makes of the bad flows: every fix that they are offered, as a diff, in `mended.diff`.
//!
//! `UPDATE=1 cargo test -p millrace-flow` writes it anew.

use std::collections::BTreeSet;
use std::path::Path;

use text::{Diagnostic, SourceFile};

use super::{catalog, files_of, yaml_files};
use crate::{ProjectDefaults, check, check_syncs, check_tests, parse};

pub(super) fn told(files: &[SourceFile]) -> Vec<Diagnostic> {
    let parsed = parse(files);
    let checked = check(&parsed.definitions, &catalog(), &ProjectDefaults::default());
    let mut told = parsed.diagnostics;
    told.extend(checked.diagnostics);
    told.extend(check_syncs(&parsed.syncs, &parsed.definitions, &catalog()).diagnostics);
    told.extend(check_tests(&parsed.tests, &parsed.definitions, &catalog()));
    told
}

/// Errors by what they say, with how often they say it.
fn errors(diagnostics: &[Diagnostic]) -> Vec<(&str, &str)> {
    let mut errors: Vec<_> =
        diagnostics.iter().filter(|one| one.is_error()).map(|one| (one.code, one.message.as_str())).collect();
    errors.sort_unstable();
    errors
}

/// Cases in which a word that is certainly meant brings to light what else is wrong with it.
const REVEALING: [&str; 2] = ["no-verb-and-more", "unknown-document"];

#[test]
fn what_can_be_mended_is_and_nothing_gets_worse() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/ui");
    let mut diffs = String::new();
    let (mut offered, mut mended_codes) = (BTreeSet::new(), BTreeSet::new());
    for case in yaml_files(&folder.join("cases")) {
        let name = case.file_stem().unwrap().to_string_lossy().into_owned();
        let before = files_of(&name, &std::fs::read_to_string(&case).unwrap());
        let told_before = told(&before);
        offered.extend(
            told_before
                .iter()
                .filter(|one| one.fix.as_ref().is_some_and(|fix| fix.confidence != text::Confidence::Guess))
                .map(|one| one.code),
        );

        let mended = text::mend(before.clone(), told);
        assert_eq!(mended.left, told(&mended.files), "{name}: what is left is what is there");
        if !REVEALING.contains(&name.as_str()) {
            for (code, message) in errors(&mended.left) {
                assert!(errors(&told_before).contains(&(code, message)), "{name}: new: {code} {message}");
            }
            assert!(errors(&mended.left).len() <= errors(&told_before).len(), "{name}");
        }
        let again = text::mend(mended.files.clone(), told);
        assert_eq!((again.changes, &again.files), (Vec::new(), &mended.files), "{name}: once is enough");

        mended_codes.extend(mended.changes.iter().map(|change| change.code));
        for (before, after) in before.iter().zip(&mended.files) {
            diffs.push_str(&text::unified(&before.path, &before.text, &after.text));
        }
    }
    // A fix that no case proves may well be none.
    assert_eq!(offered, mended_codes);
    let expected = folder.join("mended.diff");
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(&expected, &diffs).unwrap();
    }
    let expected = std::fs::read_to_string(&expected).unwrap_or_default();
    assert!(diffs == expected, "the fixes differ; run with UPDATE=1 and look at the difference\n{diffs}");
}
