//! The project in `examples/quickstart/`, carried in the binary so that the demo works anywhere.

use std::fs;
use std::path::Path;

use crate::Failure;

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
    fn what_somebody_changed_stays() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("connections.yaml"), "mine").unwrap();
        write(dir.path()).unwrap();
        assert_eq!(fs::read_to_string(dir.path().join("connections.yaml")).unwrap(), "mine");
        assert!(dir.path().join("flows/leads-to-call-list.yaml").exists());
    }
}
