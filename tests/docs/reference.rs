//! The pages that are printed: what is checked in is what the command prints.

use std::fs;

use super::{millrace, root};

#[test]
fn the_reference_is_what_the_command_prints() {
    for (page, name) in [("language", "language"), ("functions", "functions")] {
        let path = root().join(format!("docs/reference/{name}.md"));
        let printed = millrace(&root(), &["language", "reference", page]);
        assert!(printed.status.success(), "{}", String::from_utf8_lossy(&printed.stderr));
        let printed = String::from_utf8(printed.stdout).expect("text");
        if std::env::var_os("UPDATE").is_some() {
            fs::write(&path, &printed).expect("write the page");
        }
        let kept = fs::read_to_string(&path).unwrap_or_default();
        assert!(
            kept == printed,
            "{} is not what `millrace language reference {page}` prints; \
             UPDATE=1 cargo test --features faults --test docs the_reference writes it anew",
            path.display(),
        );
    }
}

#[test]
fn every_link_within_the_reference_leads_to_a_heading() {
    let page = fs::read_to_string(root().join("docs/reference/language.md")).expect("the page is there");
    let anchor = |heading: &str| -> String {
        let kept = heading.to_lowercase().replace(' ', "-");
        kept.chars().filter(|letter| letter.is_alphanumeric() || "-_".contains(*letter)).collect()
    };
    let headings: Vec<String> = page
        .lines()
        .filter(|line| line.starts_with('#'))
        .map(|line| anchor(line.trim_start_matches(['#', ' '])))
        .collect();
    for (at, heading) in headings.iter().enumerate() {
        assert!(
            !headings[..at].contains(heading),
            "two headings are {heading}, so a link to the second leads to the first"
        );
    }
    let links: Vec<&str> =
        page.split("](#").skip(1).filter_map(|rest| rest.split_once(')')).map(|(link, _)| link).collect();
    assert!(links.len() > 10, "{links:?}");
    for link in links {
        assert!(headings.iter().any(|heading| heading == link), "nothing is headed {link}");
    }
}
