//! What a fold says of its own counts, and what it must not say: what is not known has nothing in common, a report that does not
//! know its VM may be one of several, a warning more is a change, and a file that holds reports is none of the others.

#![cfg(all(feature = "simulator", feature = "archives"))]

use crate::common::{midoctor, ran, run};
use crate::fleet_rows::{Rows, Vm, write};
use serde_json::{Value, json};

fn fold(arguments: &[&str]) -> Value {
    let ran = run(&[&["fleet"], arguments, &["-o", "json"]].concat());
    assert_eq!(ran.stderr, "", "{arguments:?}");
    serde_json::from_str(&ran.stdout).unwrap()
}

/// All VMs that know their image have the same one: it tells nothing about those with the cause.
#[test]
fn what_all_have_that_know_it_is_no_pattern() {
    let mut rows = Rows::default();
    let mut text = String::new();
    for name in ["a", "b", "c"] {
        text += &rows.line("role-missing", Vm::new(name, name), "20T10:00:00");
        text += &rows.line("healthy", Vm::new(&format!("{name}-2"), name), "20T10:00:00");
    }
    text += &rows.line("imds-timeout", Vm::new("lost", "rg-web"), "20T10:00:00");
    let folder = tempfile::tempdir().unwrap();
    let fleet = fold(&[&write(folder.path(), "rows", text)]);
    assert_eq!((&fleet["root_causes"][0]["vms"], &fleet["root_causes"][0]["pattern"]), (&json!(3), &Value::Null));
}

#[test]
fn reports_that_do_not_know_their_vm_are_said_to_be_counted_each() {
    let mut rows = Rows::default();
    let text: String =
        (0..12).map(|hour| rows.line("imds-timeout", Vm::new("lost", "rg"), &format!("20T{hour:02}:00:00"))).collect();
    let folder = tempfile::tempdir().unwrap();
    let file = write(folder.path(), "rows", text);
    let fleet = fold(&[&file]);
    assert_eq!((&fleet["reports"]["vms"], &fleet["reports"]["nameless"]), (&json!(12), &json!(12)));
    let lines: Vec<String> =
        fleet["root_causes"][0]["examples"].as_array().unwrap().iter().map(Value::to_string).collect();
    let expected: Vec<String> = (1..=lines.len()).map(|line| format!("\"{file}:{line}\"")).collect();
    assert_eq!(lines, expected);
    let words = "12 do not know their VM; each is counted as a VM, also where the same VM wrote several";
    for format in ["text", "markdown", "html"] {
        let shown = run(&["fleet", &file, "-o", format]).stdout;
        assert!(shown.contains(words), "{format}: {shown}");
    }
    let earlier = write(folder.path(), "earlier.json", fleet.to_string());
    let words = "12 cannot be compared, since their reports do not know the VM";
    for format in ["text", "markdown", "html"] {
        let shown = run(&["fleet", &file, "--since", &earlier, "-o", format]).stdout;
        assert!(shown.contains(words), "{format}: {shown}");
    }
}

#[test]
fn warnings_that_came_and_went_are_changes() {
    let mut rows = Rows::default();
    let folder = tempfile::tempdir().unwrap();
    let mut state = |name: &str, a: &str, b: &str| {
        let text = rows.line(a, Vm::new("a", "rg"), "20T10:00:00") + &rows.line(b, Vm::new("b", "rg"), "20T10:00:00");
        write(folder.path(), name, text)
    };
    let before = state("before", "healthy", "legacy-answering");
    let after = state("after", "legacy-answering", "healthy");
    let earlier = write(folder.path(), "earlier.json", fold(&[&before]).to_string());
    let text = run(&["fleet", &after, "--since", &earlier]).stdout;
    let expected = "
Changed since the earlier fold
          1  healed: b (was degraded)
          1  newly with warnings: a (was healthy)

";
    assert!(text.contains(expected), "{text}");
    assert_eq!(fold(&[&after, "--since", &earlier])["changes"]["newly_degraded"]["count"], 1);
}

/// What `ssh vm midoctor -o ndjson >reports/vm 2>&1` leaves: words first. In a directory, too, the report counts.
#[test]
fn a_file_of_a_directory_that_begins_with_words_and_holds_reports_is_read() {
    let mut rows = Rows::default();
    let good = rows.line("role-missing", Vm::new("web-1", "rg-web"), "20T10:00:00");
    let future = good.replace("midoctor.row/1", "midoctor.row/2");
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), "a", format!("Warning: permanently added\n{good}"));
    write(folder.path(), "b", format!("{{\"level\":\"info\"}}\n{future}"));
    write(folder.path(), "c.txt", "write \"schema\": \"midoctor.row/1\" in each row\n");
    let name = folder.path().to_str().unwrap();
    let fleet = fold(&[name]);
    let of = |list: &str| -> Vec<String> {
        let all = fleet[list].as_array().unwrap().iter();
        all.map(|left| format!("{}:{}", left["file"].as_str().unwrap().replace(name, ""), left["line"])).collect()
    };
    assert_eq!((&fleet["reports"]["read"], &fleet["verdicts"]["unhealthy"]), (&json!(1), &json!(1)));
    assert_eq!(of("broken"), ["/a:1", "/b:1", "/b:2"]);
    assert_eq!(of("others"), ["/c.txt:null"]);
}

/// An earlier fold that lies among the reports and speaks of a newer one: however large it is, its lines are no reports.
#[test]
fn an_earlier_fold_among_the_reports_is_one_other_file() {
    let mut rows = Rows::default();
    let good = rows.line("healthy", Vm::new("web-1", "rg-web"), "20T10:00:00");
    let future = good.replace("midoctor.row/1", "midoctor.row/2");
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), "rows", format!("{good}{future}"));
    let earlier = run(&["fleet", folder.path().to_str().unwrap(), "-o", "json"]).stdout;
    let (head, vms) = earlier.split_once("\"vms\":[\n").unwrap();
    assert!(head.contains("midoctor.row/2"), "{head}");
    let vm = vms.lines().next().unwrap();
    write(folder.path(), "fleet.json", format!("{head}\"vms\":[\n{}{vm}\n]}}\n", format!("{vm},\n").repeat(4_000)));
    assert!(std::fs::metadata(folder.path().join("fleet.json")).unwrap().len() > 1 << 20);
    let fleet = fold(&[folder.path().to_str().unwrap()]);
    assert_eq!((&fleet["reports"]["broken"], &fleet["reports"]["others"]), (&json!(1), &json!(1)));
}

#[test]
fn the_verdict_names_root_causes_and_leaves_what_is_beside_them_to_their_lists() {
    let mut rows = Rows::default();
    let mut text = String::new();
    for (name, state) in [
        ("a", "role-missing"),
        ("b", "identity-none"),
        ("c", "token-refused"),
        ("d", "role-missing"),
        ("e", "dns-failure"),
    ] {
        let mut row = rows.row(state, Vm::new(name, "rg"), "20T10:00:00");
        if name == "d" {
            row["root_cause"] = json!("identity-none");
        }
        text += &format!("{row}\n");
    }
    let folder = tempfile::tempdir().unwrap();
    let shown = run(&["fleet", &write(folder.path(), "rows", text)]).stdout;
    assert!(shown.contains("  ✗ 1 ×, and beside another root cause on 1 VM, role-missing\n"), "{shown}");
    let verdict = "\nUNHEALTHY  5 of 5 VMs: 2 × identity-none, 1 × role-missing, 1 × dns-failure and 1 more cause\n";
    assert!(shown.contains(verdict), "{shown}");
}

#[test]
fn what_changed_is_told_in_ascii_where_the_locale_has_no_more() {
    let mut rows = Rows::default();
    let folder = tempfile::tempdir().unwrap();
    let mut state = |name, state| write(folder.path(), name, rows.line(state, Vm::new("a", "rg"), "20T10:00:00"));
    let (before, after) = (state("before", "role-missing"), state("after", "identity-none"));
    let earlier = write(folder.path(), "earlier.json", fold(&[&before]).to_string());
    let shown = ran(midoctor(&["fleet", &after, "--since", &earlier]).env("LC_ALL", "C")).stdout;
    assert!(shown.contains("another cause: a (role-missing -> identity-none)\n") && shown.is_ascii(), "{shown}");
}
