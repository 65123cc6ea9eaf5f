//! The queries of deploy/queries over rows as midoctor writes them: DuckDB must answer exactly this. Those for Log Analytics cannot be
//! run here; that every column they name is in a row is held in tests/reports/queries.rs.

use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::{Value, json};

use crate::namespace::simulator::PROGRAM;
use crate::namespace::{Case, Suite};
use crate::{VENV, folder};

/// Each row: VM, resource group, location, state, day and hour of November 2026.
const ROWS: [(&str, &str, &str, &str, &str); 11] = [
    ("web-1", "rg-web", "westeurope", "healthy", "20T08"),
    ("web-1", "RG-WEB", "westeurope", "healthy", "22T08"),
    ("web-2", "rg-web", "westeurope", "healthy", "20T09"),
    ("web-2", "rg-web", "westeurope", "identity-none", "22T09"),
    ("job-1", "rg-jobs", "northeurope", "role-missing", "19T10"),
    ("job-1", "rg-jobs", "northeurope", "role-missing", "22T10"),
    ("job-2", "rg-jobs", "northeurope", "healthy", "20T11"),
    ("job-2", "rg-jobs", "northeurope", "role-missing", "21T07"),
    ("job-2", "rg-jobs", "northeurope", "role-missing", "22T11"),
    ("old-1", "rg-web", "westeurope", "legacy-answering", "22T12"),
    ("lost-1", "rg-web", "westeurope", "imds-timeout", "22T12"),
];

/// Adds the case to the suite.
pub fn add(suite: &mut Suite) {
    let name = "DuckDB answers the queries of deploy/queries";
    match missing() {
        Some(why) => suite.missing.push((name.into(), why)),
        None => suite.cases.push(Case::new(name.to_owned(), answers)),
    }
}

fn python() -> Option<std::path::PathBuf> {
    folder(VENV).map(|venv| venv.join("bin/python"))
}

/// Why they cannot be run here.
fn missing() -> Option<String> {
    let Some(python) = python() else { return Some(format!("{VENV} is not set")) };
    let there = Command::new(python).args(["-c", "import duckdb"]).stderr(Stdio::null()).status();
    let there = there.is_ok_and(|status| status.success());
    (!there).then(|| format!("{VENV} names no folder with duckdb"))
}

fn row((name, group, location, state, time): (&str, &str, &str, &str, &str)) -> String {
    let output = Command::new(PROGRAM).args(["demo", state, "-o", "ndjson"]).env_clear().output().unwrap();
    let mut row: Value = serde_json::from_slice(&output.stdout).unwrap();
    row["TimeGenerated"] = json!(format!("2026-11-{time}:00:00Z"));
    if !row["vm"]["name"].is_null() {
        let id = format!("/subscriptions/s/resourceGroups/{group}/providers/Microsoft.Compute/virtualMachines/{name}");
        row["vm"]["name"] = json!(name);
        row["vm"]["resource_group"] = json!(group);
        row["vm"]["location"] = json!(location);
        row["vm"]["image"] = json!("i");
        row["vm"]["resource_id"] = json!(id);
    }
    format!("{row}\n")
}

fn answers() {
    let rows = std::env::temp_dir().join("rows.ndjson");
    // A half line is passed over, as midoctor fleet does.
    std::fs::write(&rows, ROWS.map(row).concat() + "{\"TimeGenerated\":\"2026-11-2").unwrap();
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut command = Command::new(python().unwrap());
    command.arg(root.join("tests/interop/queries.py")).arg(root.join("deploy/queries")).arg(&rows);
    let output = command.stdin(Stdio::null()).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let mut found: Value = serde_json::from_slice(&output.stdout).unwrap();
    // The rest of the row is the simulator's.
    let tokens = found["tokens"].take();
    assert_eq!((&tokens[0][0], &tokens[0][3], &tokens[0][4]), (&json!("system"), &json!(4), &json!(0)), "{tokens}");
    let expected = json!({
        "verdicts": [["unhealthy", 3], ["degraded", 1], ["healthy", 1]],
        "root_causes": [
            ["identity-none", "image", "i", 1, 5],
            ["identity-none", "location", "westeurope", 1, 3],
            ["identity-none", "resource group", "rg-web", 1, 3],
            ["role-missing", "image", "i", 2, 5],
            ["role-missing", "location", "northeurope", 2, 2],
            ["role-missing", "resource group", "rg-jobs", 2, 2],
        ],
        "unhealthy_longest": [
            ["job-1", "role-missing", "2026-11-19 10:00"],
            ["job-2", "role-missing", "2026-11-21 07:00"],
            ["web-2", "identity-none", "2026-11-22 09:00"],
        ],
        // The newest row of job-2 from before the last 24 hours is that of 21T07, when it was unhealthy already.
        "newly_broken": [["web-2", "identity-none", "healthy"]],
        "findings": [
            ["role-missing", "error", 2, ["job-1", "job-2"]],
            ["identity-none", "error", 1, ["web-2"]],
            ["legacy-answering", "warning", 1, ["old-1"]],
        ],
        "tokens": null,
    });
    assert_eq!(found, expected);
}
