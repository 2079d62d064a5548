//! The project in `examples/quickstart/`, carried in the binary so that the demo works anywhere.

use std::fs;
use std::path::Path;

use crate::{Failure, project};

/// Its files, by their place in the project.
pub const FILES: [(&str, &str); 5] = [
    ("connections.yaml", include_str!("../../../examples/quickstart/connections.yaml")),
    ("warehouse.sql", include_str!("../../../examples/quickstart/warehouse.sql")),
    (
        "flows/customers-to-warehouse.yaml",
        include_str!("../../../examples/quickstart/flows/customers-to-warehouse.yaml"),
    ),
    ("flows/companies-to-accounts.yaml", include_str!("../../../examples/quickstart/flows/companies-to-accounts.yaml")),
    ("flows/leads-to-call-list.yaml", include_str!("../../../examples/quickstart/flows/leads-to-call-list.yaml")),
];

/// What makes a folder a demo's.
const MARK: &str = ".millrace-demo";
const MARK_SAYS: &str = "`millrace demo` keeps its things in this folder, and may write to every file in it.\n";

/// The ids of its flows.
pub fn flows() -> impl Iterator<Item = &'static str> {
    FILES.iter().filter_map(|(name, _)| name.strip_prefix("flows/")?.strip_suffix(".yaml"))
}

/// Makes `dir` a demo's, or finds that it is one. Whatever else holds anything is refused and left as it is.
pub fn claim(dir: &Path) -> Result<(), Failure> {
    let mark = dir.join(MARK);
    if mark.exists() {
        return Ok(());
    }
    if dir.exists() && fs::read_dir(dir).map_err(Failure::file("look into", dir))?.next().is_some() {
        let what = if project::is_one(dir) { "a project" } else { "not empty" };
        return Err(Failure::NotADemo { dir: dir.to_owned(), what });
    }
    fs::create_dir_all(dir).map_err(Failure::file("create", dir))?;
    fs::write(&mark, MARK_SAYS).map_err(Failure::file("write", &mark))
}

/// Writes the project into `dir`. Files that are there already stay as they are: somebody may be trying something.
pub fn write(dir: &Path) -> Result<(), Failure> {
    for (name, content) in FILES {
        let path = dir.join(name);
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder).map_err(Failure::file("create", folder))?;
        }
        if !path.exists() {
            fs::write(&path, content).map_err(Failure::file("write", &path))?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_file_of_the_example_is_left_behind() {
        let example = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/quickstart");
        for folder in ["", "flows"] {
            for entry in fs::read_dir(example.join(folder)).unwrap() {
                let name = Path::new(folder).join(entry.unwrap().file_name());
                let is_project_file = matches!(name.extension().and_then(|end| end.to_str()), Some("yaml" | "sql"));
                let is_carried = FILES.iter().any(|(carried, _)| Path::new(carried) == name);
                assert!(!is_project_file || is_carried, "{} is not carried", name.display());
            }
        }
    }

    #[test]
    fn only_an_empty_folder_becomes_a_demos() {
        let dir = tempfile::tempdir().unwrap();
        let new = dir.path().join("new");
        claim(&new).unwrap();
        write(&new).unwrap();
        claim(&new).expect("a second demo goes on there");
        fs::remove_file(new.join(MARK)).unwrap();
        let refused = claim(&new).expect_err("it could be anybody's project now");
        assert!(refused.to_string().contains("is a project and not a demo's folder; nothing was written"), "{refused}");
        fs::write(dir.path().join("notes.txt"), "").unwrap();
        assert!(matches!(claim(dir.path()), Err(Failure::NotADemo { what: "not empty", .. })));
    }

    #[test]
    fn a_flow_is_called_like_its_file() {
        for flow in flows() {
            let is_said = |text: &str| text.contains(&format!("flow: {flow}\n"));
            assert!(FILES.iter().any(|(_, text)| is_said(text)), "{flow}");
        }
        assert_eq!(flows().count(), 3);
    }

    #[test]
    fn what_somebody_changed_stays() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("connections.yaml"), "mine").unwrap();
        write(dir.path()).unwrap();
        assert_eq!(fs::read_to_string(dir.path().join("connections.yaml")).unwrap(), "mine");
        assert!(dir.path().join("flows/leads-to-call-list.yaml").exists());
    }
}
