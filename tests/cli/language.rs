//! The language as a whole: what this version does not run is checked like everything else, and told before anything runs.

use crate::project::{Project, Sandbox, offline};

/// A flow of which this version runs all but one word.
const HOOKED: &str = "\
flow: hooked
trigger:
  webhook:
  verify: {bearer: \"${ env.HOOK_TOKEN }\"}
  id: ${ body.id }
steps:
  - skip: ${ body.name }
";

#[test]
fn what_is_not_run_is_checked_and_named() {
    let project = offline();
    project.write("flows/hooked.yaml", HOOKED);
    let said = project.run(&["check"]).ok();
    assert!(said.contains("2 flows checked, no mistakes.\n"), "{said}");
    assert!(
        said.contains("flows/hooked.yaml:3: this version does not run `webhook` yet; `up` leaves `hooked` out.\n"),
        "{said}"
    );
    project.write("flows/hooked.yaml", HOOKED.replace("body.id", "bdy.id"));
    project.run(&["check"]).refused(1, &["error[F0401]", "did you mean `body`?"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_flow_that_is_not_run_stops_no_other() {
    let sandbox = Sandbox::with_records(3).await;
    let project = Project::new(&sandbox.url());
    project.write("flows/hooked.yaml", HOOKED);
    project.write(
        "flows/careful.yaml",
        "flow: careful\ntrigger: {manual: }\nbrakes: {creates: 5 per day}\nsteps:\n  - skip: done\n",
    );
    let sentence = "flows/hooked.yaml:3: this version does not run `webhook` yet";
    let mut engine = project.start(&["up"]);
    engine.wait_for("1 flow at work");
    engine.wait_for("● people");
    engine.wait_for("■ careful  flows/careful.yaml:3: this version does not run `brakes` yet");
    engine.wait_for(&format!("■ hooked  {sentence}"));
    drop(engine);
    project.run(&["run", "hooked", "--once"]).refused(1, &[sentence]);
    project.run(&["run", "careful"]).refused(1, &["does not run `brakes` yet"]);
    assert!(project.run(&["status"]).ok().contains("does not run `brakes` yet"));
}
