//! Many reports as one: what is counted, where it is, what changed, how it ends.

#![cfg(all(feature = "simulator", feature = "archives"))]

use std::io::Write;
use std::process::Stdio;

use crate::common::{midoctor, ran, refused, run};
use crate::fleet_rows::{Rows, UBUNTU, Vm, WINDOWS, write};
use serde_json::Value;

/// Four healthy VMs in one group, three without a role in another, one with a warning, one that does not know itself.
fn mixed(rows: &mut Rows) -> String {
    let mut text = String::new();
    for name in ["web-1", "web-2", "web-3", "web-4"] {
        text += &rows.line("healthy", Vm::new(name, "rg-web"), "20T10:00:00");
    }
    for name in ["job-1", "job-2", "job-3"] {
        let vm = Vm { location: "northeurope", ..Vm::new(name, "rg-jobs") };
        text += &rows.line("role-missing", vm, "20T11:00:00");
    }
    let old = Vm { image: WINDOWS, ..Vm::new("old-1", "rg-web") };
    text += &rows.line("legacy-answering", old, "20T12:00:00");
    text + &rows.line("imds-timeout", Vm::new("lost-1", "rg-web"), "20T13:00:00")
}

fn json(arguments: &[&str]) -> (Value, Option<i32>) {
    let ran = run(arguments);
    assert_eq!(ran.stderr, "", "{arguments:?}");
    (serde_json::from_str(&ran.stdout).unwrap(), ran.code)
}

#[test]
fn what_is_wrong_with_how_many_and_where_is_told_in_text() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), "rows.ndjson", mixed(&mut Rows::default()));
    let ran = ran(midoctor(&["fleet", "rows.ndjson"]).current_dir(&folder));
    let expected = format!(
        "midoctor {}  9 VMs · 9 reports · 2026-11-20 10:00 to 2026-11-20 13:00 UTC

Root causes
  ✗ 3 × role-missing
    The identity holds no role that lets it read this VM.
    all VMs in resource group rg-jobs, and no others
      subscription    3d9b6c1e-8a74-4f52-b0e3-91c7d5a2f846 3 of 8
      resource group  rg-jobs 3 of 3
      location        northeurope 3 of 3
      image           {UBUNTU} 3 of 7
      VMs             job-1, job-2, job-3
      more            midoctor explain role-missing
  ✗ 1 × imds-timeout
    The metadata service at 169.254.169.254 does not answer.
      VM              rows.ndjson:9
      more            midoctor explain imds-timeout

Warnings
  ! 1 × legacy-answering
    Something still answers at the retired endpoint.
      subscription    3d9b6c1e-8a74-4f52-b0e3-91c7d5a2f846 1 of 8
      resource group  rg-web 1 of 5
      location        westeurope 1 of 5
      image           {WINDOWS} 1 of 1
      VM              old-1
      more            midoctor explain legacy-answering

Reports
    1 does not know its VM, and is counted as a VM of its own

UNHEALTHY  4 of 9 VMs: 3 × role-missing, 1 × imds-timeout
4 healthy, 1 with warnings, 4 unhealthy
",
        env!("CARGO_PKG_VERSION")
    );
    assert_eq!((ran.stdout, ran.stderr.as_str(), ran.code), (expected, "", Some(1)));
}

#[test]
fn json_has_every_vm_and_every_count() {
    let folder = tempfile::tempdir().unwrap();
    let file = write(folder.path(), "rows.ndjson", mixed(&mut Rows::default()));
    let (fleet, code) = json(&["fleet", &file, "-o", "json"]);
    assert_eq!((fleet["schema"].as_str(), code), (Some("midoctor.fleet/1"), Some(1)));
    assert_eq!(fleet["verdicts"].to_string(), r#"{"degraded":1,"healthy":4,"undetermined":0,"unhealthy":4}"#);
    let causes = fleet["root_causes"].as_array().unwrap();
    let counts: Vec<(&str, u64)> =
        causes.iter().map(|cause| (cause["code"].as_str().unwrap(), cause["vms"].as_u64().unwrap())).collect();
    assert_eq!(counts, [("role-missing", 3), ("imds-timeout", 1)]);
    assert_eq!(causes[0]["resource_groups"].to_string(), r#"[{"name":"rg-jobs","of":3,"vms":3}]"#);
    let vms = fleet["vms"].as_array().unwrap();
    let names: Vec<&str> = vms.iter().map(|vm| vm["name"].as_str().unwrap()).collect();
    let expected = ["job-1", "job-2", "job-3", "old-1", "web-1", "web-2", "web-3", "web-4", "run lost-1-20T13:00:00"];
    assert_eq!(names, expected);
    assert_eq!(vms[0]["checks"].to_string(), r#"{"reader":"fail","roles":"blocked"}"#);
    assert_eq!(vms[0]["resource_id"].as_str().unwrap(), Vm::new("job-1", "rg-jobs").resource_id());
    assert_eq!(vms[3]["codes"].to_string(), r#"["legacy-answering"]"#);
    assert!(vms[8]["resource_id"].is_null() && vms[8]["run_id"] == "lost-1-20T13:00:00");
    assert_eq!(vms[0]["source"].as_str().unwrap(), format!("{file}:5"));
}

#[test]
fn of_a_vm_the_newest_report_counts_whatever_the_order() {
    let mut rows = Rows::default();
    let vm = Vm::new("web-1", "rg-web");
    let old = rows.line("role-missing", vm, "20T10:00:00");
    // Azure compares IDs without regard to case.
    let loud = Vm { group: "RG-WEB", ..vm };
    let new = rows.line("healthy", loud, "21T10:00:00");
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in [("a", format!("{old}{new}{new}")), ("b", format!("{new}{old}{new}"))] {
        let file = write(folder.path(), name, text);
        let (fleet, code) = json(&["fleet", &file, "-o", "json"]);
        assert_eq!((fleet["verdicts"]["healthy"].as_u64(), code), (Some(1), Some(0)));
        assert_eq!(fleet["reports"]["older"], 2);
        assert!(run(&["fleet", &file]).stdout.contains("2 left aside: there is a newer one of the same VM"));
    }
    // The same file twice adds nothing but that.
    let file = folder.path().join("a");
    let (fleet, _) = json(&["fleet", file.to_str().unwrap(), file.to_str().unwrap(), "-o", "json"]);
    assert_eq!((fleet["reports"]["read"].as_u64(), fleet["reports"]["vms"].as_u64()), (Some(6), Some(1)));
}

#[test]
fn reports_rows_archives_and_printed_json_fold_alike() {
    let folder = tempfile::tempdir().unwrap();
    let pretty = run(&["demo", "role-missing", "-o", "json"]).stdout;
    let row = run(&["demo", "role-missing", "-o", "ndjson"]).stdout;
    let compact = serde_json::from_str::<Value>(&pretty).unwrap().to_string();
    let archive = midoctor::archive::pack(&[(midoctor::archive::REPORT, pretty.clone().into_bytes())]).unwrap();
    let bom = format!("\u{feff}{pretty}");
    let several = format!("{pretty}\n\n{compact}\n{row}");
    // The name of a file says nothing.
    for (name, text, reports) in [
        ("pretty.json", pretty.clone().into_bytes(), 1),
        ("row.txt", row.clone().into_bytes(), 1),
        ("compact", compact.clone().into_bytes(), 1),
        ("archive.json", archive, 1),
        ("bom.json", bom.into_bytes(), 1),
        ("several.log", several.into_bytes(), 3),
    ] {
        let file = write(folder.path(), name, text);
        let (fleet, code) = json(&["fleet", &file, "-o", "json"]);
        assert_eq!((fleet["reports"]["read"].as_u64(), code), (Some(reports), Some(1)), "{name}");
        assert_eq!(fleet["vms"][0]["root_cause"], "role-missing", "{name}");
        assert_eq!(fleet["vms"][0]["checks"].to_string(), r#"{"reader":"fail","roles":"blocked"}"#, "{name}");
    }
    let mut child = midoctor(&["fleet", "-"]).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(row.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8(output.stdout).unwrap().contains("UNHEALTHY  1 of 1 VM: 1 × role-missing"));
}

#[test]
fn old_and_newer_minor_versions_fold() {
    let mut rows = Rows::default();
    let mut row = rows.row("role-missing", Vm::new("web-1", "rg-web"), "20T10:00:00");
    for field in ["subscription_id", "resource_group", "image"] {
        row["vm"].as_object_mut().unwrap().remove(field);
    }
    row["vm"]["shape"] = serde_json::json!({"sockets": [1, 2]});
    row["checks"][0]["status"] = "wobbly".into();
    let folder = tempfile::tempdir().unwrap();
    let (fleet, _) = json(&["fleet", &write(folder.path(), "a", row.to_string()), "-o", "json"]);
    let vm = &fleet["vms"][0];
    assert_eq!((vm["resource_group"].as_str(), vm["image"].is_null()), (Some("rg-web"), true));
    assert_eq!(vm["checks"]["platform"], "unknown");
}

#[test]
fn it_ends_as_the_worst_vm_and_what_is_broken_leaves_it_undetermined() {
    let mut rows = Rows::default();
    let folder = tempfile::tempdir().unwrap();
    let healthy = rows.line("healthy", Vm::new("web-1", "rg-web"), "20T10:00:00");
    let mut unsure = rows.row("healthy", Vm::new("web-2", "rg-web"), "20T10:00:00");
    unsure["verdict"] = "undetermined".into();
    unsure["checks"][9]["status"] = "unknown".into();
    let warned = rows.line("legacy-answering", Vm::new("web-3", "rg-web"), "20T10:00:00");
    let ill = rows.line("role-missing", Vm::new("web-4", "rg-web"), "20T10:00:00");
    for (text, code, word) in [
        (healthy.clone(), 0, "HEALTHY  1 VM"),
        (format!("{healthy}{warned}"), 0, "HEALTHY, WITH WARNINGS  1 of 2 VMs"),
        (format!("{healthy}{unsure}\n"), 3, "UNDETERMINED  1 of 2 VMs; none is unhealthy"),
        (format!("{healthy}{{}}\n"), 3, "UNDETERMINED  no VM is unhealthy, but 1 report could not be read"),
        (format!("{unsure}\n{ill}{{\n"), 1, "UNHEALTHY  1 of 2 VMs: 1 × role-missing"),
    ] {
        let file = write(folder.path(), "rows", text);
        let ran = run(&["fleet", &file]);
        assert_eq!(ran.code, Some(code), "{word}");
        assert!(ran.stdout.contains(&format!("\n{word}\n")), "{word}: {}", ran.stdout);
        for format in ["json", "markdown", "html"] {
            assert_eq!(run(&["fleet", &file, "-o", format]).code, Some(code), "{format}");
        }
    }
}

#[test]
fn what_changed_since_an_earlier_fold_is_told() {
    let mut rows = Rows::default();
    let folder = tempfile::tempdir().unwrap();
    let vm = |name| Vm::new(name, "rg-web");
    let before: String =
        [("a", "healthy"), ("b", "role-missing"), ("c", "role-missing"), ("d", "identity-none"), ("e", "healthy")]
            .map(|(name, state)| rows.line(state, vm(name), "20T10:00:00"))
            .concat();
    let after: String = [
        ("a", "role-missing"),
        ("b", "healthy"),
        ("c", "identity-none"),
        ("e", "healthy"),
        ("f", "healthy"),
        ("g", "imds-timeout"),
    ]
    .map(|(name, state)| rows.line(state, vm(name), "21T10:00:00"))
    .concat();
    let (before, after) = (write(folder.path(), "before", before), write(folder.path(), "after", after));
    let earlier = folder.path().join("earlier.json");
    let earlier = earlier.to_str().unwrap();
    assert_eq!(run(&["fleet", &before, "-o", &format!("json={earlier}")]).code, Some(1));
    let text = run(&["fleet", &after, "--since", earlier]).stdout;
    let expected = "
Changed since the earlier fold
          1  newly unhealthy: a (role-missing)
          1  healed: b (was unhealthy, role-missing)
          1  another cause: c (role-missing → identity-none)
          1  new: f (healthy)
          1  no longer reporting: d (unhealthy, identity-none)
    1 cannot be compared, since their reports do not know the VM
";
    assert!(text.contains(expected), "{text}");
    let (fleet, _) = json(&["fleet", &after, "--since", earlier, "-o", "json"]);
    assert_eq!(
        fleet["changes"]["healed"].to_string(),
        r#"{"count":1,"first":[{"name":"b","what":"was unhealthy, role-missing"}]}"#
    );
    let same = run(&["fleet", &before, "--since", earlier]).stdout;
    assert!(same.contains("    nothing: the verdict and root cause of each VM are as they were\n"), "{same}");

    let report = write(folder.path(), "report.json", run(&["demo", "healthy", "-o", "json"]).stdout);
    let line = refused(&["fleet", &after, "--since", &report]);
    assert_eq!(
        line,
        format!("midoctor: --since {report} is no earlier fold; give the JSON that midoctor fleet -o json wrote")
    );
    let cut = std::fs::read_to_string(earlier).unwrap();
    let cut = write(folder.path(), "cut.json", &cut[..cut.len() - 20]);
    let line = refused(&["fleet", &after, "--since", &cut]);
    assert_eq!(line, format!("midoctor: --since {cut} is damaged or cut short; fold the earlier reports again"));
}
