//! What belongs to one service stands in its manifest: no file of the engine names any.

use std::path::Path;

const SERVICES: [&str; 12] = [
    "hubspot",
    "pipedrive",
    "stripe",
    "salesforce",
    "zendesk",
    "shopify",
    "airtable",
    "notion",
    "jira",
    "slack",
    "lastmodifieddate",
    "hs_",
];

#[test]
fn no_file_of_the_engine_names_a_service() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/rest");
    let mut folders = vec![root];
    let mut n_files = 0;
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            if path.ends_with("tests/neutral.rs") {
                continue;
            }
            n_files += 1;
            let text = std::fs::read_to_string(&path).unwrap().to_lowercase();
            for service in SERVICES {
                assert!(!text.contains(service), "{} names `{service}`", path.display());
            }
        }
    }
    assert!(n_files > 20, "only {n_files} files were looked at");
}
