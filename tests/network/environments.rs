//! Whose environment is judged: real processes with environments of their own, units that files define, and what may not be
//! read. The shell's environment is another one each time.

use std::fs;
use std::os::unix::process::parent_id;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use crate::namespace::simulator::{Ran, Simulator, TOLD, check, examine};
use crate::namespace::{Case, place};
use crate::proxies::Proxy;

pub fn cases() -> Vec<Case> {
    vec![
        Case::new("environment of a process", of_a_process),
        Case::new("environment of a process: its proxy carries the questions to the manager", its_proxy),
        Case::new("environment of a process: its certificates are trusted, not the shell's", its_certificates),
        Case::new("environment of a process that may not be read", of_a_strange_process),
        Case::new("environment of a process that shows none", of_nobody),
        Case::new("environment of a unit by its files", of_files),
        Case::new("environment of a unit by its process", of_a_running_unit),
        Case::new("environment of a unit that was changed and not restarted", of_a_changed_unit),
        Case::new("environment of a unit that cannot be read in whole", of_a_closed_unit),
        Case::new("environment of a unit by alias, template and mask", of_other_names),
        Case::new("environment of a process with a network of its own", of_another_network),
        Case::new("environment of nobody is refused before anything is asked", nobody),
    ]
}

/// Stands where secrets stand.
const SECRET: &str = "canary-7f3a";
/// The unit of these cases; no machine has one of that name.
pub const UNIT: &str = "midoctor-test-web.service";
/// A proxy with a password.
pub const PROXY: &str = "http://user:canary-7f3a@proxy.contoso.com:3128";

/// A process that lives as long as this.
pub struct Sleeper(Child);

impl Sleeper {
    pub fn start(variables: &[(&str, &str)]) -> Self {
        Self::run(Command::new("sleep").arg("300"), variables)
    }

    /// Who names an authority names it to Python and Node.js too.
    fn run(command: &mut Command, variables: &[(&str, &str)]) -> Self {
        let authority = variables.iter().find(|(name, _)| *name == TOLD[0]).map(|(_, value)| *value);
        command.env_clear().envs(TOLD.into_iter().zip(authority.into_iter().cycle())).envs(variables.iter().copied());
        Self(command.stdin(Stdio::null()).spawn().unwrap())
    }

    pub fn pid(&self) -> String {
        self.0.id().to_string()
    }
}

impl Drop for Sleeper {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A process in a network namespace of its own is judged by its variables, and the report says what was not looked at.
fn of_another_network() {
    let simulator = Simulator::start("healthy", &[]);
    let authority = simulator.authority().display().to_string();
    let mut command = Command::new("unshare");
    let variables = [("SSL_CERT_FILE", &*authority), ("PATH", "/usr/bin:/bin")];
    let sleeper = Sleeper::run(command.args(["--net", "--", "sleep", "300"]), &variables);
    let own = fs::read_link("/proc/self/ns/net").unwrap();
    let link = format!("/proc/{}/ns/net", sleeper.pid());
    while fs::read_link(&link).unwrap() == own {
        std::thread::yield_now();
    }
    let ran = examined(&mut check(Some(&simulator.authority()), &["--pid", &sleeper.pid()]));
    ran.assert_end(0, "degraded", "");
    let finding = &ran.check("environment")["findings"][0];
    assert_eq!(finding["code"], "env-network");
    let line = format!("sudo nsenter --net --target {0} midoctor --pid {0}", sleeper.pid());
    assert_eq!(finding["remedy"]["commands"][0]["line"], line.as_str());
}

/// The variables by which all clients trust this authority, as a unit's file has them.
pub fn told(authority: &str) -> String {
    TOLD.map(|name| format!("{name}={authority}")).join(" ")
}

/// Runs the program, which must not tell a secret.
pub fn examined(command: &mut Command) -> Ran {
    let ran = examine(command);
    assert!(!ran.text.contains(SECRET), "a secret is in the text: {}", ran.text);
    assert!(!ran.report.to_string().contains(SECRET), "a secret is in the report");
    ran
}

/// Status and summary of the check, with what was seen.
pub fn environment(ran: &Ran) -> (&str, &str, Vec<&str>) {
    let check = ran.check("environment");
    let findings = check["findings"].as_array().unwrap().iter();
    let seen = findings.map(|one| one["seen"].as_str().unwrap()).collect();
    (check["status"].as_str().unwrap(), check["summary"].as_str().unwrap(), seen)
}

fn assert_summary(ran: &Ran, status: &str, end: &str) {
    let (shown, summary, _) = environment(ran);
    let expected = format!("Nothing in the environment leads clients away: {end}");
    assert_eq!((shown, summary), (status, expected.as_str()), "{}", ran.text);
}

fn of_a_process() {
    let simulator = Simulator::start("healthy", &[]);
    let authority = simulator.authority().display().to_string();
    let process = Sleeper::start(&[
        ("SSL_CERT_FILE", &authority),
        ("HTTP_PROXY", PROXY),
        ("AZURE_CLIENT_SECRET", SECRET),
        ("AZURE_PASSWORD", SECRET),
        ("IDENTITY_HEADER", SECRET),
        ("MSI_SECRET", SECRET),
        ("DATABASE_URL", SECRET),
    ]);
    let mut command = check(None, &["--pid", &process.pid()]);
    let ran = examined(command.env("IDENTITY_ENDPOINT", "http://127.0.0.1:41999/msi/token"));
    ran.assert_end(1, "unhealthy", "env-proxy");
    let (_, _, seen) = environment(&ran);
    assert_eq!(seen.len(), 1, "{seen:?}");
    let start = format!("HTTP_PROXY is set to http://proxy.contoso.com:3128 for process {}, ", process.pid());
    assert!(seen[0].starts_with(&start), "{seen:?}");
    assert!(ran.report.to_string().contains("\"MSI_SECRET\":\"(set)\""));
    // The shell that it was started in has what the process has not, and is judged without the flag.
    let own =
        examined(check(Some(&simulator.authority()), &[]).env("IDENTITY_ENDPOINT", "http://127.0.0.1:41999/msi/token"));
    own.assert_end(1, "unhealthy", "env-shadowed");
}

fn its_proxy() {
    let simulator = Simulator::start("healthy", &[]);
    let authority = simulator.authority().display().to_string();
    let proxy = Proxy::start(None);
    let exempt = ("NO_PROXY", "169.254.169.254");
    let process = Sleeper::start(&[("SSL_CERT_FILE", &authority), ("HTTPS_PROXY", &proxy.url), exempt]);
    let ran = examined(check(None, &["--pid", &process.pid()]).env("HTTPS_PROXY", "http://127.0.0.1:1"));
    ran.assert_end(0, "healthy", "");
    assert_summary(&ran, "pass", &format!("of process {}", process.pid()));
    let asked = proxy.asked();
    assert!(!asked.is_empty() && asked.iter().all(|line| line.starts_with("CONNECT management.azure.com:443 ")));
    // Its exceptions are obeyed as well.
    let before = proxy.asked().len();
    let variables = [
        ("SSL_CERT_FILE", &*authority),
        ("HTTPS_PROXY", &*proxy.url),
        ("NO_PROXY", "management.azure.com,169.254.169.254"),
    ];
    let process = Sleeper::start(&variables);
    examined(&mut check(None, &["--pid", &process.pid()])).assert_end(0, "healthy", "");
    assert_eq!(proxy.asked().len(), before);
}

fn its_certificates() {
    let simulator = Simulator::start("healthy", &[]);
    let process = Sleeper::start(&[("PATH", "/bin")]);
    let ran = examined(&mut check(Some(&simulator.authority()), &["--pid", &process.pid()]));
    ran.assert_end(1, "unhealthy", "tls-intercepted");
    assert_summary(&ran, "pass", &format!("of process {}", process.pid()));
}

/// The runner of these cases is outside of the namespace, where root of the namespace has no rights.
fn of_a_strange_process() {
    let simulator = Simulator::start("healthy", &[]);
    let runner = parent_id();
    if fs::read(format!("/proc/{runner}/environ")).is_ok() {
        println!("skipped: this kernel shows the environment of process {runner} to everybody");
        return;
    }
    // A proxy in the shell is not obeyed in the stead of one that cannot be read.
    let mut command = check(Some(&simulator.authority()), &["--pid", &runner.to_string()]);
    let ran = examined(command.env("HTTPS_PROXY", "http://127.0.0.1:1"));
    let (status, summary, _) = environment(&ran);
    assert_eq!(status, "unknown", "{summary}");
    assert!(summary.contains(&format!("unknown, process {runner} belongs to ")), "{summary}");
    assert!(
        summary.contains(", and root may not read its environment from here: the capability CAP_SYS_PTRACE is missing"),
        "{summary}"
    );
    let outcomes: Vec<_> = ran.report["evidence"]["exchanges"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|exchange| exchange["request"]["ask"] == "environment")
        .map(|exchange| exchange["attempts"][0]["outcome"]["why"].as_str())
        .collect();
    assert_eq!(outcomes, [Some("denied")]);
    assert!(!ran.text.contains("the proxy 127.0.0.1:1"), "{}", ran.text);
    // It is the same for the process of a unit, of which the files alone are known then.
    files(&[(&format!("/run/systemd/system/{UNIT}"), "[Service]\n")]);
    belongs(&runner.to_string(), UNIT);
    let ran = examined(&mut check(Some(&simulator.authority()), &["--unit", UNIT]));
    let (status, summary, _) = environment(&ran);
    let start = format!(": unknown, the environment of {UNIT} is not known in whole: process {runner} belongs to ");
    assert!(status == "unknown" && summary.contains(&start), "{summary}");
    assert!(summary.contains(", and root may not read its environment from here: "), "{summary}");
}

fn of_nobody() {
    let simulator = Simulator::start("healthy", &[]);
    let look = |pid: &str| examined(&mut check(Some(&simulator.authority()), &["--pid", pid]));
    let cleared = Sleeper::start(&[]);
    let pid = cleared.pid();
    assert_summary(
        &look(&pid),
        "unknown",
        &format!(
            "unknown, process {pid} shows an empty environment: it was started without one, or has overwritten it, as programs do \
             that change their title"
        ),
    );
    // It ends at once and is not waited for.
    let mut child = Command::new("true").stdin(Stdio::null()).spawn().unwrap();
    let pid = child.id().to_string();
    while !fs::read_to_string(format!("/proc/{pid}/stat")).unwrap().contains(") Z ") {
        std::thread::yield_now();
    }
    let end = "has ended and only waits for its parent to notice; its environment is gone";
    assert_summary(&look(&pid), "unknown", &format!("unknown, process {pid} {end}"));
    child.wait().unwrap();
    if fs::read_to_string("/proc/2/comm").is_ok_and(|name| name.trim() == "kthreadd") {
        assert_summary(&look("2"), "unknown", "unknown, process 2 is a thread of the kernel, which has no environment");
    }
}

/// A private `/run`, where systemd looks for units too, with these files in it.
pub fn files(files: &[(&str, &str)]) {
    place::empty("/run");
    for (path, text) in files {
        let path = Path::new(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
}

/// The kernel's tree of control groups, as far as this unit has a process in it.
fn belongs(pid: &str, unit: &str) {
    place::empty("/sys/fs/cgroup");
    let group = Path::new("/sys/fs/cgroup/system.slice/system-test.slice").join(unit);
    fs::create_dir_all(&group).unwrap();
    fs::write(group.join("cgroup.procs"), format!("0\n{pid}\n")).unwrap();
}

fn of_files() {
    let simulator = Simulator::start("healthy", &[]);
    let authority = simulator.authority().display().to_string();
    let service = format!("[Service]\nEnvironment={} MSI_SECRET={SECRET}\n", told(&authority));
    let control = format!("/run/systemd/system.control/{UNIT}.d/50-env.conf");
    let dashed = "/run/systemd/system/midoctor-test-.service.d/10-file.conf";
    files(&[
        (&format!("/run/systemd/system/{UNIT}"), &service),
        (dashed, "[Service]\nEnvironmentFile=-/run/absent.env\nEnvironmentFile=/run/conf/%p*.env\n"),
        (
            &format!("/run/systemd/system/{UNIT}.d/50-env.conf"),
            "[Service]\nEnvironment=MSI_ENDPOINT=http://127.0.0.1:1\n",
        ),
        (&control, "[Service]\nEnvironment='NO_PROXY=localhost \\\n  x' \"IDENTITY_HEADER=canary-7f3a\"\n"),
        ("/run/conf/midoctor-test-web-1.env", &format!("HTTP_PROXY='http://first:1'\nAZURE_PASSWORD={SECRET}\n")),
        ("/run/conf/midoctor-test-web-2.env", &format!("# the proxy\nHTTP_PROXY=\"{PROXY}\"\nexport X=1\n")),
    ]);
    let ran = examined(check(None, &["--unit", "midoctor-test-web"]).env("MSI_ENDPOINT", "http://127.0.0.1:2"));
    ran.assert_end(1, "unhealthy", "env-proxy");
    let (_, _, seen) = environment(&ran);
    let start =
        format!("HTTP_PROXY is set to http://proxy.contoso.com:3128 for {UNIT} by /run/conf/midoctor-test-web-2.env, ");
    assert!(seen.len() == 1 && seen[0].starts_with(&start), "{seen:?}");
    // A drop-in of the editor's need not win over the one that sets the exceptions.
    assert!(!ran.text.contains(&format!("sudo systemctl edit {UNIT}")), "{}", ran.text);
    assert!(ran.text.contains(&format!("systemctl daemon-reload && sudo systemctl restart {UNIT}")), "{}", ran.text);
    assert!(!ran.text.contains("export NO_PROXY"), "{}", ran.text);
    let variables = &ran.report["evidence"]["exchanges"].as_array().unwrap().iter();
    let variables = variables.clone().find(|exchange| exchange["request"]["ask"] == "environment").unwrap();
    let unit = &variables["attempts"][0]["outcome"]["unit"];
    assert_eq!(unit["from"]["NO_PROXY"], control.as_str(), "{unit}");
    assert_eq!(unit["from"]["IDENTITY_HEADER"], control.as_str());
    assert_eq!(unit["declared"]["IDENTITY_HEADER"], "(set)");
    assert_eq!(unit["declared"]["MSI_ENDPOINT"].as_str(), None, "the stronger folder hides the file of the same name");
    assert_eq!(unit["unread"].as_array(), None, "{unit}");
}

fn of_a_running_unit() {
    let simulator = Simulator::start("healthy", &[]);
    let authority = simulator.authority().display().to_string();
    let service = format!("[Service]\nEnvironment={}\nEnvironment=NO_PROXY=a\n", told(&authority));
    files(&[(&format!("/run/systemd/system/{UNIT}"), &service)]);
    let process = Sleeper::start(&[("SSL_CERT_FILE", &authority), ("NO_PROXY", "a"), ("MSI_SECRET", SECRET)]);
    belongs(&process.pid(), UNIT);
    let ran = examined(&mut check(None, &["--unit", UNIT]));
    ran.assert_end(0, "healthy", "");
    assert_summary(&ran, "pass", &format!("of {UNIT}, process {}", process.pid()));
    // A unit that was made without a file is known by its process.
    files(&[]);
    let ran = examined(&mut check(None, &["--unit", UNIT]));
    ran.assert_end(0, "healthy", "");
    assert_summary(&ran, "pass", &format!("of {UNIT}, process {}", process.pid()));
}

fn of_a_changed_unit() {
    let simulator = Simulator::start("healthy", &[]);
    let authority = simulator.authority().display().to_string();
    let file = format!("/run/systemd/system/{UNIT}");
    let certificate = format!("[Service]\nEnvironment={}\n", told(&authority));
    files(&[(&file, &certificate)]);
    let process = Sleeper::start(&[("SSL_CERT_FILE", &authority), ("MSI_ENDPOINT", "http://127.0.0.1:4242")]);
    belongs(&process.pid(), UNIT);
    let ran = examined(&mut check(None, &["--unit", UNIT]));
    ran.assert_end(1, "unhealthy", "env-shadowed");
    let (_, _, seen) = environment(&ran);
    let pid = process.pid();
    let told = format!(
        "MSI_ENDPOINT is set to http://127.0.0.1:4242 for process {pid} of {UNIT}, though its files do not set it: "
    );
    assert!(seen.len() == 1 && seen[0].starts_with(&told), "{seen:?}");
    assert!(
        ran.text.contains(&format!("sudo systemctl daemon-reload && sudo systemctl restart {UNIT}")),
        "{}",
        ran.text
    );
    drop(process);

    fs::write(&file, format!("{certificate}Environment=HTTP_PROXY={PROXY}\n")).unwrap();
    let process = Sleeper::start(&[("SSL_CERT_FILE", &authority)]);
    belongs(&process.pid(), UNIT);
    let ran = examined(&mut check(None, &["--unit", UNIT]));
    ran.assert_end(0, "degraded", "");
    let (status, _, seen) = environment(&ran);
    let told =
        format!(" in {file}, not yet in process {} of {UNIT}, which gets it when it is restarted, ", process.pid());
    assert!(status == "warn" && seen.len() == 1 && seen[0].contains(&told), "{seen:?}");
}

fn of_a_closed_unit() {
    let simulator = Simulator::start("healthy", &[]);
    let runner = parent_id();
    let closed = format!("/proc/{runner}/environ");
    if fs::read(&closed).is_ok() || fs::read("/proc/1/environ").is_ok() {
        println!("skipped: this kernel shows the environment of strange processes to everybody");
        return;
    }
    let service = format!(
        "[Service]\nEnvironmentFile={closed}\nEnvironmentFile=/run/absent\nPassEnvironment=no_proxy HTTP_PROXY\n"
    );
    let service = format!("{service}Environment=HTTP_PROXY=\n");
    files(&[(&format!("/run/systemd/system/{UNIT}"), &service)]);
    let ran = examined(&mut check(Some(&simulator.authority()), &["--unit", UNIT]));
    let end = format!(
        "unknown, the environment of {UNIT} is not known in whole: the EnvironmentFile {closed} could not be read; root may; the \
         EnvironmentFile /run/absent is not there, and {UNIT} does not start without it; no_proxy may be passed on from the \
         environment of process 1, which root may read (PassEnvironment)"
    );
    assert_summary(&ran, "unknown", &end);
}

fn of_other_names() {
    let simulator = Simulator::start("healthy", &[]);
    let authority = simulator.authority().display().to_string();
    let text = format!("[Service]\nEnvironment={} MSI_ENDPOINT=http://%i:%%\n", told(&authority));
    files(&[("/run/systemd/generator/midoctor-test@.service", &text)]);
    std::os::unix::fs::symlink("midoctor-test@.service", "/run/systemd/generator/midoctor-alias@.service").unwrap();
    std::os::unix::fs::symlink("/dev/null", "/run/systemd/generator/midoctor-masked.service").unwrap();
    for name in ["midoctor-test@blue", "midoctor-alias@blue.service"] {
        let ran = examined(&mut check(None, &["--unit", name]));
        ran.assert_end(1, "unhealthy", "env-shadowed");
        let (_, _, seen) = environment(&ran);
        assert!(seen[0].starts_with("MSI_ENDPOINT is set to http://blue:% for midoctor-"), "{seen:?}");
    }
    let ran = examined(&mut check(Some(&simulator.authority()), &["--unit", "midoctor-masked"]));
    let end = "unknown, the environment of midoctor-masked.service is not known in whole: midoctor-masked.service is masked, so \
               systemd does not start it, and its files declare nothing";
    assert_summary(&ran, "unknown", end);
}

fn nobody() {
    let simulator = Simulator::start("healthy", &[]);
    files(&[(&format!("/run/systemd/system/{UNIT}"), "[Service]\n")]);
    let gone = {
        let process = Sleeper::start(&[]);
        process.pid()
    };
    for (arguments, said) in [
        (["--pid", &gone], format!("midoctor: --pid {gone}: /proc shows no process of that number, ")),
        (
            ["--unit", "midoctor-test-wbe"],
            "midoctor: --unit midoctor-test-wbe.service: no file in /etc/systemd/system, ".into(),
        ),
    ] {
        let output = check(Some(&simulator.authority()), &arguments).output().unwrap();
        let stderr = String::from_utf8(output.stderr).unwrap();
        assert_eq!((output.status.code(), output.stdout.as_slice()), (Some(2), &b""[..]), "{stderr}");
        assert!(stderr.starts_with(&said) && stderr.lines().count() == 1, "{stderr}");
        assert_eq!(
            stderr.contains("; did you mean “midoctor-test-web.service”? "),
            arguments[0] == "--unit",
            "{stderr}"
        );
    }
    assert_eq!(simulator.log(), "", "nothing was asked");
}
