//! Every case in canonical layout: what is said of it does not change.

use std::path::Path;

use text::{LayoutError, SourceFile};

use super::{files_of, yaml_files};
use crate::ui::mended::told;

/// A flow that begins with another key is told of that, and a layout mends it.
const KEY_NOT_FIRST: &str = "flow-key-not-first";

/// What is said, without places: lines move, and what names one names another.
fn codes(files: &[SourceFile]) -> Vec<&'static str> {
    let mut codes: Vec<_> = told(files).iter().map(|diagnostic| diagnostic.code).collect();
    codes.sort_unstable();
    codes
}

#[test]
fn a_layout_changes_nothing_that_is_said() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/ui");
    let mut n_laid = 0;
    for case in yaml_files(&folder.join("cases")).into_iter().chain([folder.join("robust.yaml")]) {
        let name = case.file_stem().unwrap().to_string_lossy().into_owned();
        let before = files_of(&name, &std::fs::read_to_string(&case).unwrap());
        let laid = |file: &SourceFile| match crate::lay_out(file) {
            Ok(text) => {
                n_laid += 1;
                let laid = SourceFile::new(file.path.clone(), &text);
                assert_eq!(crate::lay_out(&laid), Ok(text), "{name}: once is enough");
                laid
            }
            Err(LayoutError::Mistakes(mistakes)) => {
                assert!(!mistakes.is_empty(), "{name}");
                file.clone()
            }
            Err(LayoutError::NotTheSame) => panic!("{name}: {}", file.text),
        };
        let after: Vec<_> = before.iter().map(laid).collect();
        let mut codes_before = codes(&before);
        if name == KEY_NOT_FIRST {
            codes_before.retain(|code| *code != crate::codes::UNKNOWN_DOCUMENT);
        }
        assert_eq!(codes(&after), codes_before, "{name}");
    }
    assert!(n_laid > 100, "most of them are YAML");
}
