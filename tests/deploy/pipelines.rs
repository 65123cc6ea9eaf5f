//! The pipelines' files against their services' schemas, and their shell run as an agent would run it, on a simulated VM. What
//! the services make of annotations and summaries is not seen here.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;

use crate::from_venv;
use crate::namespace::simulator::PROGRAM;
use crate::namespace::{Case, Suite};
use crate::recipe::{SHARED, actor, bare, clean_shell, done, installed, offer, path, said, vm, yaml};
use crate::run_command::AZ;

const WORKFLOW: &str = "github-actions/midoctor.yml";
const STEPS: &str = "azure-pipelines/midoctor.yml";

pub fn add(suite: &mut Suite) {
    let tools = [from_venv("check-jsonschema"), from_venv("shellcheck")];
    offer(suite, &tools, Case::new("GitHub's and Azure Pipelines' schemas allow the pipelines", allowed));
    offer(suite, &tools, Case::new("GitHub Actions on the VM: annotations, a summary and an archive", on_the_vm));
    offer(suite, &tools, Case::new("GitHub Actions through Azure: a row for each VM", through_azure));
    offer(suite, &tools, Case::new("Azure Pipelines: issues, tests, a summary and an archive", azure_pipelines));
}

fn allowed() {
    for (schema, more, file) in [
        ("vendor.github-workflows", None, WORKFLOW),
        ("vendor.azure-pipelines", Some(["--data-transform", "azure-pipelines"]), STEPS),
    ] {
        let mut check = Command::new(from_venv("check-jsonschema").unwrap());
        done(check.args(["--builtin-schema", schema]).args(more.into_iter().flatten()).arg(path(file)));
    }
}

/// The shell of a job's steps, by their names.
fn shell(steps: &Value, name: &str, script: &str) -> BTreeMap<String, String> {
    let steps = steps.as_array().unwrap().iter();
    let named = steps.filter_map(|step| Some((step[name].as_str()?.to_owned(), step[script].as_str()?.to_owned())));
    named.collect()
}

/// One step in a folder, as `bash -e` runs it.
fn step(script: &str, folder: &Path, authority: &Path, variables: &[(&str, &str)]) -> Output {
    clean_shell("bash", script);
    let file = folder.join("step.sh");
    fs::write(&file, script).unwrap();
    let mut bash = bare("bash", authority);
    bash.args(["--noprofile", "--norc", "-e"]).arg(&file).current_dir(folder).envs(variables.iter().copied());
    bash.output().unwrap()
}

/// A new folder for a run.
fn folder(name: &str) -> std::path::PathBuf {
    let folder = Path::new(SHARED).join(name);
    fs::create_dir(&folder).unwrap();
    folder
}

/// An archive can be opened, and nothing in it names the simulated VM.
fn is_redacted(archive: &Path) {
    let mut show = Command::new(PROGRAM);
    let shown = done_or_unhealthy(show.args(["report", "show", "-o", "json"]).arg(archive).env_clear());
    assert!(shown.contains("\"root_cause\"") && !shown.contains("vm-doctor-01"), "{shown}");
}

fn done_or_unhealthy(command: &mut Command) -> String {
    let output = command.output().unwrap();
    assert!(matches!(output.status.code(), Some(0 | 1)), "{}", said(&output));
    said(&output)
}

fn on_the_vm() {
    let steps = shell(&yaml(WORKFLOW)["jobs"]["on-the-vm"]["steps"], "name", "run");
    installed();
    // The second is not worth waiting for.
    for (scenario, code) in [("healthy", 0), ("imds-denied", 1)] {
        let (_vm, authority) = vm(scenario);
        let folder = folder(scenario);
        let summary = folder.join("summary.md");
        fs::write(&summary, "").unwrap();
        let variables = [("GITHUB_STEP_SUMMARY", summary.to_str().unwrap()), ("GITHUB_ACTIONS", "true")];
        let output = step(&steps["The managed identity works"], &folder, &authority, &variables);
        assert_eq!(output.status.code(), Some(code), "{}", said(&output));
        let annotations = said(&output).lines().filter(|line| line.starts_with("::error ")).count();
        assert_eq!(annotations > 0, code == 1, "{}", said(&output));
        let written = fs::read_to_string(&summary).unwrap();
        assert_eq!(written.contains("imds-denied"), code == 1, "{written}");
        assert!(written.len() > 100 && written.len() <= 1 << 20, "{written}");
        let packed = step(&steps["Pack the report for support"], &folder, &authority, &variables);
        assert!(packed.status.success(), "{}", said(&packed));
        is_redacted(&folder.join("midoctor-report.zip"));
    }
}

fn through_azure() {
    let steps = shell(&yaml(WORKFLOW)["jobs"]["through-azure"]["steps"], "name", "run");
    installed();
    let folder = folder("job");
    let programs = folder.join("bin");
    fs::create_dir(&programs).unwrap();
    let program = actor(&programs);
    let ids = ["healthy", "role-missing", "off"].map(|name| format!("/subscriptions/s/g/virtualMachines/{name}\\n"));
    let list = format!("if [ \"$1 $2\" = \"vm list\" ]; then printf '{}'; exit 0; fi\n", ids.concat());
    let az = programs.join("az");
    fs::write(&az, AZ.replacen("set -u\n", &format!("set -u\n{list}"), 1)).unwrap();
    fs::set_permissions(&az, fs::Permissions::from_mode(0o755)).unwrap();
    std::os::unix::fs::symlink(path(""), folder.join("deploy")).unwrap();
    let search = format!("{}:/usr/bin:/bin", programs.display());
    let summary = folder.join("summary.md");
    let variables = [
        ("PATH", search.as_str()),
        ("RESOURCE_GROUP", "rg"),
        ("PROGRAM", program.to_str().unwrap()),
        ("GITHUB_STEP_SUMMARY", summary.to_str().unwrap()),
    ];
    let nobody = Path::new("/dev/null");
    let output = step(&steps["The managed identities work"], &folder, nobody, &variables);
    assert_eq!(output.status.code(), Some(1), "{}", said(&output));
    assert!(
        said(&output).contains("3 VMs: 1 healthy, 0 degraded, 1 unhealthy, 0 undetermined, 1 silent"),
        "{}",
        said(&output)
    );
    let output = step(&steps["What was found"], &folder, nobody, &variables);
    assert!(output.status.success() && said(&output).contains("is not running"), "{}", said(&output));
    let table = fs::read_to_string(&summary).unwrap();
    let rows: Vec<&str> = table.lines().skip(2).collect();
    assert_eq!(rows.len(), 2, "{table}");
    assert!(rows[0].starts_with("| vm-doctor-01 | healthy | ") && rows[1].contains(" | role-missing | "), "{table}");
}

fn azure_pipelines() {
    let pipeline = yaml(STEPS);
    let steps = shell(&pipeline["steps"], "displayName", "bash");
    let inputs = &pipeline["steps"][1]["inputs"];
    installed();
    for (scenario, code) in [("healthy", 0), ("imds-denied", 1)] {
        let (_vm, authority) = vm(scenario);
        let folder = folder(scenario);
        let staging = folder.to_str().unwrap();
        // The agent replaces the macro.
        assert_eq!(pipeline["steps"][0]["env"]["FOLDER"], "$(Build.ArtifactStagingDirectory)");
        let wait = pipeline["steps"][0]["env"]["WAIT"].as_str().unwrap();
        let variables = [("FOLDER", staging), ("WAIT", wait), ("TF_BUILD", "True")];
        let output = step(&steps["The managed identity works"], &folder, &authority, &variables);
        assert_eq!(output.status.code(), Some(code), "{}", said(&output));
        let told = said(&output);
        assert_eq!(told.contains("##vso[task.logissue type=error"), code == 1, "{told}");
        assert!(told.lines().any(|line| line == format!("##vso[task.uploadsummary]{staging}/midoctor.md")), "{told}");
        assert!(fs::read_to_string(folder.join("midoctor.md")).unwrap().len() > 100);
        assert_eq!(inputs["searchFolder"], "$(Build.ArtifactStagingDirectory)");
        let tests = fs::read_to_string(folder.join(inputs["testResultsFiles"].as_str().unwrap())).unwrap();
        assert!(tests.starts_with("<?xml ") && tests.contains("<failure") == (code == 1), "{tests}");
        let packed = step(&steps["Pack the report for support"], &folder, &authority, &variables);
        assert!(packed.status.success(), "{}", said(&packed));
        let published = pipeline["steps"][3]["publish"].as_str().unwrap();
        is_redacted(Path::new(&published.replace("$(Build.ArtifactStagingDirectory)", staging)));
    }
}
