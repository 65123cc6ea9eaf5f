//! The service and its timer: systemd's own opinion of them, the command run under what of the service's cage can be had without
//! systemd as the first process, and Debian's node_exporter as a reader of what it leaves.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};

use crate::namespace::{Case, Suite, place};
use crate::of_machine;
use crate::patience::until;
use crate::recipe::{SHARED, bare, done, installed, offer, path, said, text, vm};

const TEXTFILES: &str = "/var/lib/prometheus/node-exporter";
const LOGS: &str = "/var/log/midoctor";
/// systemd's figure for how much of the machine a service is exposed to, times ten: 0 is nothing, and below 20 it says OK.
const EXPOSURE: &str = "20";

pub fn add(suite: &mut Suite) {
    let analyze = [of_machine("systemd-analyze")];
    offer(suite, &analyze, Case::new("systemd finds nothing wrong with the service and its timer", verified));
    offer(suite, &analyze, Case::new("systemd finds the service little exposed", little_exposed));
    let exporter = [of_machine("prometheus-node-exporter"), of_machine("promtool"), of_machine("setpriv")];
    let scraped = Case::new("what the service leaves is scraped by node_exporter", scraped);
    offer(suite, &exporter, scraped.with_all_users());
    let refused = Case::new("the service fails when its file cannot be written, and when a flag is unknown", refused);
    offer(suite, &exporter, refused.with_all_users());
    let rotated = Case::new("the log for Azure Monitor Agent is added to, and rotated by renaming", rotated);
    offer(suite, &[&exporter[..], &[of_machine("logrotate")]].concat(), rotated.with_all_users());
}

/// The values of a key in a unit, in their order.
fn values(unit: &str, key: &str) -> Vec<String> {
    let text = text(unit);
    let lines = text.lines().filter_map(|line| line.split_once('='));
    lines.filter(|(name, _)| *name == key).map(|(_, value)| value.to_owned()).collect()
}

fn value(unit: &str, key: &str) -> String {
    let all = values(unit, key);
    assert_eq!(all.len(), 1, "{unit} has one {key}");
    all[0].clone()
}

const SERVICE: &str = "systemd/midoctor.service";

fn verified() {
    installed();
    let mut analyze = Command::new("systemd-analyze");
    analyze.args(["verify", "--man=no"]).args([path(SERVICE), path("systemd/midoctor.timer")]);
    assert_eq!(said(&done(&mut analyze)), "", "systemd-analyze verify says nothing");
    let mut calendar = Command::new("systemd-analyze");
    done(calendar.args(["calendar", &value("systemd/midoctor.timer", "OnCalendar")]));
}

fn little_exposed() {
    installed();
    let mut analyze = Command::new("systemd-analyze");
    analyze.args(["security", "--offline=true", "--no-pager", &format!("--threshold={EXPOSURE}")]).arg(path(SERVICE));
    let report = said(&done(&mut analyze));
    assert!(report.contains("Overall exposure level for midoctor.service"), "{report}");
}

/// Runs the service's command as systemd would, with these flags: the file system read-only but for its folders, as root with the
/// capabilities that it is left and without ways to others.
fn start(authority: &Path, flags: &str) -> Output {
    assert_eq!(value(SERVICE, "EnvironmentFile"), "-/etc/default/midoctor");
    assert_eq!(value(SERVICE, "ProtectSystem"), "strict");
    assert_eq!(
        (value(SERVICE, "ReadWritePaths").as_str(), value(SERVICE, "LogsDirectory").as_str()),
        (TEXTFILES, "midoctor")
    );
    let line = value(SERVICE, "ExecStart");
    let words: Vec<&str> = line
        .split(' ')
        .flat_map(|word| if word == "$MIDOCTOR_FLAGS" { flags } else { word }.split_whitespace())
        .collect();
    let left: Vec<String> = value(SERVICE, "CapabilityBoundingSet")
        .split(' ')
        .map(|name| format!("+{}", name.trim_start_matches("CAP_").to_lowercase()))
        .collect();
    // Folders that are mounts of their own stay writable.
    let cage = "mount -o remount,ro,bind / && mount -t tmpfs tmpfs /tmp && exec \"$@\"";
    let mut command = bare("unshare", authority);
    command.args(["-m", "sh", "-c", cage, "sh", "setpriv", "--no-new-privs", "--inh-caps", "-all"]);
    command.arg("--bounding-set").arg(format!("-all,{}", left.join(","))).args(words);
    command.output().unwrap()
}

/// Does systemd count this end as a success?
fn succeeded(output: &Output) -> bool {
    let listed = value(SERVICE, "SuccessExitStatus");
    let code = output.status.code().unwrap();
    code == 0 || listed.split(' ').any(|word| word == code.to_string())
}

fn prepared() {
    installed();
    place::empty(TEXTFILES);
    place::empty("/var/log");
    fs::create_dir(LOGS).unwrap();
    place::run("mount", &["-t", "tmpfs", "-o", "mode=0755", "tmpfs", LOGS]);
}

/// node_exporter with the textfile collector alone. Ends when it is dropped.
struct Exporter(Child);

impl Exporter {
    fn start() -> Self {
        let mut command = Command::new("prometheus-node-exporter");
        command.args(["--collector.disable-defaults", "--collector.textfile", "--web.listen-address=127.0.0.1:9100"]);
        command.arg(format!("--collector.textfile.directory={TEXTFILES}"));
        Self(command.stdin(Stdio::null()).stderr(Stdio::null()).spawn().unwrap())
    }

    /// One scrape, once it listens.
    fn scrape(&self) -> String {
        let mut scraped = Vec::new();
        until("node_exporter answers", || {
            let curl = Command::new("curl").args(["-sf", "http://127.0.0.1:9100/metrics"]).output().unwrap();
            scraped = curl.stdout;
            curl.status.success()
        });
        String::from_utf8(scraped).unwrap()
    }
}

impl Drop for Exporter {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn scraped() {
    prepared();
    let exporter = Exporter::start();
    let file = Path::new(TEXTFILES).join("midoctor.prom");
    for (scenario, code, verdict, cause) in
        [("healthy", 0, "healthy", None), ("identity-none", 1, "unhealthy", Some("identity-none"))]
    {
        let (_vm, authority) = vm(scenario);
        let output = start(&authority, "");
        assert_eq!(output.status.code(), Some(code), "{}", said(&output));
        assert!(succeeded(&output), "a verdict does not fail the unit");
        let line = String::from_utf8(output.stdout).unwrap();
        assert!(line.to_lowercase().starts_with(verdict) && line.len() <= 81 && line.ends_with('\n'), "{line}");
        assert_eq!(
            fs::metadata(&file).unwrap().permissions().mode() & 0o777,
            0o644,
            "node_exporter's user can read it"
        );
        let metrics = exporter.scrape();
        for line in [
            "node_textfile_scrape_error 0",
            &format!("midoctor_verdict{{verdict=\"{verdict}\"}} 1"),
            &format!("midoctor_exit_code {code}"),
            "node_textfile_mtime_seconds{file=\"/var/lib/prometheus/node-exporter/midoctor.prom\"}",
        ] {
            assert!(metrics.contains(line), "{line} is not in\n{metrics}");
        }
        let told = cause.map(|code| format!("midoctor_root_cause{{code=\"{code}\"}} 1"));
        assert!(told.is_none_or(|line| metrics.contains(&line)), "{metrics}");
        let mut promtool = Command::new("promtool");
        let checked = promtool.args(["check", "metrics"]).stdin(fs::File::open(&file).unwrap()).output().unwrap();
        assert!(checked.status.success() && said(&checked).is_empty(), "{}", said(&checked));
    }
    let left: Vec<_> = fs::read_dir(TEXTFILES).unwrap().flatten().map(|entry| entry.file_name()).collect();
    assert_eq!(left, ["midoctor.prom"], "no temporary file is left");
}

fn refused() {
    prepared();
    let (_vm, authority) = vm("healthy");
    let unknown = start(&authority, "--no-such-flag");
    assert!(unknown.status.code() == Some(2) && !succeeded(&unknown), "{}", said(&unknown));
    place::run("mount", &["-o", "remount,ro", TEXTFILES]);
    let read_only = start(&authority, "");
    assert!(read_only.status.code() == Some(2) && !succeeded(&read_only), "{}", said(&read_only));
    assert!(said(&read_only).contains("midoctor.prom cannot be written"), "{}", said(&read_only));
}

fn rotated() {
    prepared();
    let flags = text("systemd/midoctor.default");
    let (_, flags) = flags.lines().find_map(|line| line.split_once("# MIDOCTOR_FLAGS=")).expect("the file shows flags");
    let (_vm, authority) = vm("healthy");
    let log = Path::new(LOGS).join("midoctor.ndjson");
    let lines = || fs::read_to_string(&log).unwrap().lines().map(str::to_owned).collect::<Vec<_>>();
    for count in 1..=2 {
        let output = start(&authority, flags);
        assert_eq!(output.status.code(), Some(0), "{}", said(&output));
        assert_eq!(lines().len(), count);
    }
    let before = lines();
    assert!(before.iter().all(|line| line.starts_with("{\"TimeGenerated\":\"")), "{before:?}");
    let rules = Path::new(SHARED).join("midoctor.logrotate");
    fs::write(&rules, text("systemd/midoctor.logrotate")).unwrap();
    let state = Path::new(SHARED).join("state");
    done(Command::new("logrotate").arg("--force").arg("--state").arg(&state).arg(&rules));
    assert!(!log.exists(), "it is renamed");
    let old: Vec<_> = fs::read_dir(Path::new(LOGS).join("old")).unwrap().flatten().collect();
    assert_eq!(old.len(), 1);
    assert_eq!(fs::read_to_string(old[0].path()).unwrap().lines().collect::<Vec<_>>(), before, "nothing is lost");
    start(&authority, flags);
    assert_eq!(lines().len(), 1, "and begun anew by the next run");
}
