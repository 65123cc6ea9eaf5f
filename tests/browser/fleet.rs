//! The page of a fleet in the browser: 5,000 VMs are searched, filtered, sorted and typed through; it is the same for everybody;
//! what hostile reports hold is text on it; and what it comes to can be read without a script.

use std::process::Stdio;

use serde_json::{Value, json};

/// So many VMs, of which every tenth of a group has no role.
const VMS: usize = 5_000;

/// The cases, by name.
pub fn cases() -> Vec<(&'static str, fn())> {
    vec![
        ("a fleet of 5,000 is searched, filtered and sorted", || hold("fleet filters", &rows(VMS), Some(expected()))),
        ("a fleet of 5,000 is typed through", || hold("fleet keys", &rows(VMS), Some(expected()))),
        ("a fleet: axe-core finds nothing, light and dark", || hold("fleet axe", &rows(30), None)),
        ("a fleet: no width scrolls the page", || hold("fleet narrow", &rows(30), None)),
        ("a fleet is summed up without a script", || {
            let words = ["Unhealthy", "role-missing", "all in resource group rg-3", "This table needs JavaScript"];
            hold("fleet without script", &rows(60), Some(json!({ "words": words })));
        }),
        ("a fleet of hostile reports is text", hostile),
    ]
}

fn expected() -> Value {
    json!({ "vms": "5,000", "rows": VMS, "group": "rg-3", "within": "500", "cause": "role-missing", "of": "250", "name": "vm-0123" })
}

/// A report of a scenario as a row.
fn row(scenario: &str) -> Value {
    let mut command = std::process::Command::new(super::namespace::simulator::PROGRAM);
    let output = command.args(["demo", scenario, "-o", "ndjson"]).env_clear().stdin(Stdio::null()).output().unwrap();
    serde_json::from_slice(&output.stdout).unwrap()
}

fn rows(vms: usize) -> String {
    let (well, ill) = (row("healthy"), row("role-missing"));
    let mut text = String::new();
    for index in 0..vms {
        let group = index % 10;
        let mut row = if group == 3 && index / 10 % 2 == 0 { ill.clone() } else { well.clone() };
        row["vm"]["name"] = json!(format!("vm-{index:04}"));
        row["vm"]["resource_group"] = json!(format!("rg-{group}"));
        row["vm"]["resource_id"] = json!(format!("/subscriptions/s/vm-{index:04}"));
        text += &format!("{row}\n");
    }
    text
}

fn hostile() {
    let mut row = row("role-missing");
    let name = "<img src=x onerror=alert(1)></script><script>alert(2)</script><!--";
    row["vm"]["name"] = json!(name);
    row["vm"]["resource_group"] = json!("\"><b>rg</b>");
    row["vm"]["image"] = json!("javascript:alert(3)\u{202e}{{7*7}}");
    row["root_cause"] = json!("<svg onload=alert(4)>");
    let shown = [name, "\"><b>rg</b>", "javascript:alert(3)\\u{202e}{{7*7}}", "<svg onload=alert(4)>"];
    hold("fleet hostile", &format!("{row}\n"), Some(json!({ "shown": shown })));
}

/// Folds the rows, opens the page, and holds a case of `fleet.mjs` against it.
fn hold(case: &str, rows: &str, expected: Option<Value>) {
    let folder = std::env::temp_dir();
    let (page, reports) = (folder.join("midoctor fleet <1>.html"), folder.join("rows.ndjson"));
    std::fs::write(&reports, rows).unwrap();
    let mut command = std::process::Command::new(super::namespace::simulator::PROGRAM);
    command.arg("fleet").arg(&reports).args(["-o", &format!("html={}", page.display())]);
    let output = command.env_clear().stdin(Stdio::null()).output().unwrap();
    assert!(output.stderr.is_empty(), "{}", String::from_utf8_lossy(&output.stderr));
    super::hold_page(case, &page, expected);
}
