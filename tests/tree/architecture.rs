//! Who may import whom. The rooms stay apart: checks see evidence, renderers see a report, one place talks.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use regex::Regex;
use walkdir::WalkDir;

/// A room (a folder or a file of src/), and all rooms of this crate that it may use.
const ROOMS: &[(&str, &[&str])] = &[
    ("words", &[]),
    ("strings", &[]),
    ("parts", &[]),
    ("archive", &["report"]),
    ("redact", &["azure", "check", "checks", "diagnosis", "pattern", "plan", "report", "request", "seal", "strings"]),
    ("diff", &["azure", "check", "evidence", "fill", "report"]),
    ("saved", &["archive", "evidence", "fill", "report", "seal", "strings", "token"]),
    ("build_log", &["pattern"]),
    ("pattern", &[]),
    ("nearest", &["fill"]),
    ("ignores", &["check", "plan"]),
    ("selection", &["check", "checks", "plan"]),
    ("unit_name", &[]),
    ("exit", &[]),
    ("dump", &[]),
    ("fault", &["output"]),
    ("interrupt", &["exit", "output"]),
    ("plan", &[]),
    ("token", &[]),
    ("certificate", &[]),
    ("network", &[]),
    ("clock", &[]),
    ("clients", &["evidence"]),
    ("request", &["plan"]),
    ("evidence", &["certificate", "network", "plan", "request", "token"]),
    ("azure", &["evidence", "plan"]),
    ("pace", &[]),
    ("reading", &["azure", "evidence", "plan"]),
    ("destination", &["azure", "plan", "reading"]),
    ("case", &["azure", "check", "evidence", "plan", "reading", "token"]),
    ("check", &["azure", "case", "evidence", "plan", "reading"]),
    (
        "checks",
        &[
            "azure",
            "case",
            "check",
            "clients",
            "destination",
            "evidence",
            "network",
            "plan",
            "reading",
            "request",
            "requirement",
            "token",
            "unit_name",
            "words",
        ],
    ),
    ("requirement", &["azure", "fill", "plan"]),
    ("probe", &["azure", "fill", "plan"]),
    ("seal", &["pattern"]),
    ("recorder", &["destination", "evidence", "pattern", "request", "seal", "token"]),
    ("diagnosis", &["azure", "case", "check", "checks", "evidence", "ignores", "reading", "selection"]),
    (
        "engine",
        &[
            "azure",
            "case",
            "check",
            "destination",
            "diagnosis",
            "evidence",
            "pace",
            "plan",
            "reading",
            "recorder",
            "selection",
        ],
    ),
    ("waiting", &["case", "check", "diagnosis", "evidence", "page", "plan", "reading", "report", "selection"]),
    ("page", &["check", "checks"]),
    ("fill", &["build_log", "page"]),
    (
        "report",
        &[
            "azure",
            "case",
            "check",
            "diagnosis",
            "evidence",
            "exit",
            "fill",
            "page",
            "plan",
            "reading",
            "token",
            "wording",
            "words",
        ],
    ),
    (
        "wording",
        &["azure", "case", "check", "checks", "diagnosis", "fill", "page", "plan", "reading", "report", "requirement"],
    ),
    (
        "render",
        &[
            "archive",
            "build_log",
            "check",
            "clients",
            "diff",
            "evidence",
            "fill",
            "fleet",
            "page",
            "parts",
            "plan",
            "redact",
            "report",
            "token",
            "words",
        ],
    ),
    ("wire", &["clients", "clock", "evidence", "network", "plan", "request", "token", "unit_name"]),
    ("simulator", &["azure", "clock", "evidence", "network", "plan", "request", "token"]),
    ("scenarios", &["check", "checks", "nearest", "options", "page", "plan", "simulator"]),
    (
        "explain",
        &[
            "azure", "check", "checks", "evidence", "fill", "nearest", "options", "page", "parts", "pattern", "render",
            "report", "seal", "wording", "words",
        ],
    ),
    ("fleet", &["azure", "check", "checks", "exit", "fill", "page", "report", "seal"]),
    ("gather", &["archive", "fleet"]),
    ("cli", &["fill", "parts", "seal"]),
    ("completion", &["azure", "checks", "cli", "options", "outputs", "page", "render", "scenarios"]),
    ("manual", &["checks", "cli", "exit", "page", "render", "request", "scenarios"]),
    ("config", &["checks", "cli", "fill", "nearest", "plan", "seal"]),
    ("input", &["fill", "seal"]),
    (
        "options",
        &[
            "azure",
            "checks",
            "cli",
            "engine",
            "fill",
            "nearest",
            "outputs",
            "plan",
            "probe",
            "requirement",
            "unit_name",
        ],
    ),
    ("locale", &["fill"]),
    ("outputs", &["cli", "fill", "nearest", "parts"]),
    ("output", &["build_log", "fill", "locale"]),
    (
        "run",
        &[
            "build_log",
            "archive",
            "cli",
            "clients",
            "completion",
            "config",
            "diagnosis",
            "saved",
            "redact",
            "diff",
            "engine",
            "evidence",
            "exit",
            "explain",
            "fill",
            "fleet",
            "gather",
            "input",
            "interrupt",
            "locale",
            "manual",
            "nearest",
            "options",
            "output",
            "outputs",
            "parts",
            "plan",
            "render",
            "report",
            "scenarios",
            "simulator",
            "waiting",
            "words",
            "wire",
        ],
    ),
    ("main", &["cli", "dump", "exit", "fault", "interrupt", "output", "run"]),
    ("lib", &[]),
];

/// The only files that know of a part that this build may be without. Where one is asked for and is not there, `parts` says so.
const SEAMS: [&str; 10] = [
    "archive.rs",
    "completion/values.rs",
    "lib.rs",
    "manual/mod.rs",
    "parts.rs",
    "render/fleet/mod.rs",
    "render/mod.rs",
    "run.rs",
    "run/examination.rs",
    "run/missing.rs",
];

/// What touches the world, and the only rooms that may.
const WORLD: &[(&str, &[&str])] = &[
    (r"\bstd::net\b", &["wire", "simulator", "cli", "run"]),
    // Which signals are ignored, Linux says in a file.
    (r"\bstd::fs\b", &["wire", "simulator", "input", "gather", "output", "interrupt"]),
    (r"\bstd::env\b", &["wire", "run", "locale"]),
    // An archive is packed and unpacked in memory, with the traits of std::io.
    // Whether standard output is a console decides on Windows which signs can be shown.
    (r"\bstd::io\b", &["wire", "simulator", "input", "gather", "output", "run", "archive", "saved", "locale"]),
    (r"\bstd::thread\b", &["wire", "simulator", "engine", "run", "interrupt", "output", "fault"]),
    (r"\bstd::process\b", &["exit", "main", "wire", "fault"]),
    (r"\bprocess::exit\b", &[]),
    (r"\b(signal_hook|ctrlc)\b", &["interrupt"]),
    (r"\brustix\b", &["dump"]),
    (r"\b(windows_registry|ipconfig|route_manager)\b", &["wire"]),
    (r"\b(set_hook|catch_unwind)\b", &["fault"]),
    (r"\bInstant\b", &["wire"]),
    (r"\bSystemTime\b", &["clock"]),
    // The clock is read in one room, which can read every clock.
    (r"Timestamp::now\(", &[]),
    (r"\bureq::", &["wire"]),
    (r"\brustls", &["wire", "simulator", "clock"]),
    (r"\bclap(_[a-z]+)?::", &["cli", "completion", "main", "manual"]),
    (r"\b(indicatif|console)::", &["run"]),
    (r"\bcolored::", &["render"]),
    (r"\.expose\(\)", &["wire", "simulator", "recorder"]),
];

fn sources() -> Vec<(PathBuf, String)> {
    let entries =
        WalkDir::new(Path::new(env!("CARGO_MANIFEST_DIR")).join("src")).into_iter().map(|entry| entry.unwrap());
    let files = entries.filter(|entry| entry.file_type().is_file()).map(walkdir::DirEntry::into_path);
    files.map(|path| (path.clone(), std::fs::read_to_string(&path).unwrap())).collect()
}

/// The room that a file is in.
fn room(path: &Path) -> String {
    let inside = path.strip_prefix(Path::new(env!("CARGO_MANIFEST_DIR")).join("src")).unwrap();
    let first = inside.components().next().unwrap().as_os_str().to_str().unwrap();
    first.trim_end_matches(".rs").to_owned()
}

/// The code without comments and without the tests at its end.
fn code(text: &str) -> String {
    let tests = Regex::new(r"#\[cfg\((?:test\)|all\(test,)").unwrap();
    let product = tests.split(text).next().unwrap();
    product.lines().filter(|line| !line.trim_start().starts_with("//")).collect::<Vec<_>>().join("\n")
}

#[test]
fn every_room_uses_only_the_rooms_it_may() {
    let named = Regex::new(r"\b(?:crate|midoctor)::(?:\{([^}]*)\}|([a-z_]+))").unwrap();
    for (path, text) in sources() {
        let own = room(&path);
        let (_, allowed) = ROOMS.iter().find(|(name, _)| *name == own).unwrap_or_else(|| panic!("{own} is not listed"));
        for found in named.captures_iter(&code(&text)) {
            let group = found.get(1).map_or("", |group| group.as_str());
            let several = group.split(',').map(|name| name.trim().split("::").next().unwrap());
            let one = found.get(2).map_or("", |one| one.as_str());
            for used in several.chain([one]).filter(|name| ROOMS.iter().any(|(room, _)| room == name)) {
                assert!(used == own || allowed.contains(&used), "{}: {own} uses {used}", path.display());
            }
        }
    }
}

#[test]
fn every_listed_room_exists() {
    let rooms: BTreeSet<String> = sources().iter().map(|(path, _)| room(path)).collect();
    assert_eq!(rooms, ROOMS.iter().map(|(name, _)| (*name).to_owned()).collect());
}

#[test]
fn the_page_names_every_room_once_and_is_a_page() {
    let page = include_str!("../../ARCHITECTURE.md");
    let table = page.split("\n## ").find(|part| part.starts_with("Rooms\n")).unwrap();
    let name = Regex::new("`([a-z_]+)`").unwrap();
    // What a row may not, names rooms of other rows.
    let cells = table.lines().filter_map(|line| line.strip_prefix("| ")?.split(" | ").nth(1));
    let named: Vec<&str> =
        cells.flat_map(|cell| name.captures_iter(cell).map(|found| found.get(1).unwrap().as_str())).collect();
    let mut rooms: Vec<&str> = ROOMS.iter().map(|(name, _)| *name).collect();
    rooms.sort_unstable();
    let mut sorted = named.clone();
    sorted.sort_unstable();
    assert_eq!(sorted, rooms, "ARCHITECTURE.md and the list of rooms");
    assert!(page.lines().count() < 100, "it is one page");
}

#[test]
fn the_page_leads_to_files_that_are_there() {
    let path = Regex::new(r"`((?:src|checks|tests|fuzz|deploy)/[A-Za-z_./*]*)`").unwrap();
    for (name, page) in [
        ("ARCHITECTURE.md", include_str!("../../ARCHITECTURE.md")),
        ("CONTRIBUTING.md", include_str!("../../CONTRIBUTING.md")),
    ] {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let named: BTreeSet<&str> = path.captures_iter(page).map(|found| found.get(1).unwrap().as_str()).collect();
        assert!(named.len() > 5, "{name}: {named:?}");
        // The page that the walk-through writes is not there yet; a star stands for a family.
        for path in named.iter().filter(|path| !path.contains('*') && **path != "checks/restart.md") {
            assert!(root.join(path).exists(), "{name} leads to {path}");
        }
    }
}

#[test]
fn only_these_rooms_touch_the_world() {
    for (pattern, allowed) in WORLD {
        let pattern = Regex::new(pattern).unwrap();
        for (path, text) in sources() {
            let own = room(&path);
            assert!(
                allowed.contains(&own.as_str()) || !pattern.is_match(&code(&text)),
                "{}: {} is not for {own}",
                path.display(),
                pattern.as_str()
            );
        }
    }
}

#[test]
fn the_parts_of_a_build_meet_at_few_seams() {
    let known = Regex::new(r"\bcfg!?\((?:not\()?(?:all\(|any\()?feature\b").unwrap();
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let seams: BTreeSet<String> = sources()
        .iter()
        .filter(|(_, text)| known.is_match(&code(text)))
        .map(|(path, _)| path.strip_prefix(&root).unwrap().display().to_string().replace('\\', "/"))
        .collect();
    assert_eq!(seams, SEAMS.map(str::to_owned).into());
}

#[test]
fn one_file_compiles_all_patterns() {
    // The program has no tables of Unicode and the tests have: that file refuses what needs one in both.
    let compiles = Regex::new(r"\bRegex(?:Set)?(?:Builder)?::new\b|\bregex::bytes\b").unwrap();
    let compiling: Vec<String> =
        sources().iter().filter(|(_, text)| compiles.is_match(&code(text))).map(|(path, _)| room(path)).collect();
    assert_eq!(compiling, ["pattern"]);
}

#[test]
fn a_type_that_can_hold_a_token_shows_it_to_nobody() {
    let text = code(&sources().into_iter().find(|(path, _)| room(path) == "token").unwrap().1);
    for name in ["Secret", "Token"] {
        let derived = Regex::new(&format!(r"#\[derive\([^\]]*\]\s*pub struct {name}\b")).unwrap();
        let shown =
            Regex::new(&format!(r"impl[^\n]*(Debug|Display|Serialize|Clone|Deref)[^\n]* for {name}\b")).unwrap();
        assert!(!derived.is_match(&text) && !shown.is_match(&text), "{name}");
        // What it holds is overwritten when it is dropped, and it holds nothing else.
        let zeroed = Regex::new(&format!(r"pub struct {name}\(Zeroizing<(Vec<u8>|String)>\);")).unwrap();
        assert!(zeroed.is_match(&text), "{name}");
    }
}

#[test]
fn no_file_is_longer_than_a_room_should_be() {
    for (path, text) in sources() {
        let lines = text.lines().count();
        assert!(lines <= 420, "{} has {lines} lines; split it", path.display());
    }
}

#[test]
fn every_file_opens_with_what_it_is() {
    for (path, text) in sources() {
        let opening = match path.extension().and_then(|extension| extension.to_str()) {
            Some("css") => "/* ",
            Some("js") => "// ",
            Some("html") => "{#- ",
            Some("bash" | "fish" | "ps1") => "# ",
            // Its first line is for the shell.
            Some("zsh") => "#compdef midoctor\n# ",
            _ => "//! ",
        };
        assert!(text.starts_with(opening), "{}", path.display());
    }
}
