//! A real client in a process of its own that is asked for a token again and again, each time with other variables.
//!
//! It starts the drivers precedence.py and precedence.mjs, and curl; it knows nothing of what a client ought to do.

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use serde_json::Value;

use crate::listeners::{Asked, Listeners};
use crate::{NODE_MODULES, VENV, folder};

pub type Variables = BTreeMap<String, String>;

/// A client, by what its driver calls it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Real {
    Python(&'static str),
    Node(&'static str),
    /// Azure.Identity for .NET, in Azure's MCP server: the only .NET client that is on npm. It is started anew for every set.
    DotNet,
    Curl,
}

impl Real {
    /// Why it cannot be run here.
    pub fn missing(self) -> Option<String> {
        let needs = match self {
            Self::Python("azure-cli") => "azure/cli/core",
            Self::Python("msal") => "msal",
            Self::Python("msrestazure") => "msrestazure",
            Self::Python("aio-managed" | "aio-default") => "aiohttp",
            Self::Python(_) => "azure/identity",
            Self::Node("msal") => "node_modules/@azure/msal-node",
            Self::Node(_) => "node_modules/@azure/identity",
            Self::DotNet => {
                let Some(modules) = folder(NODE_MODULES) else { return Some(format!("{NODE_MODULES} is not set")) };
                return azmcp(&modules).is_none().then(|| format!("{NODE_MODULES} names no folder with @azure/mcp"));
            }
            Self::Curl => {
                let there = Command::new("curl").arg("--version").stdout(Stdio::null()).status().is_ok();
                return (!there).then(|| "curl is not installed".to_owned());
            }
        };
        let variable = if matches!(self, Self::Python(_)) { VENV } else { NODE_MODULES };
        let Some(root) = folder(variable) else { return Some(format!("{variable} is not set")) };
        let inside = if variable == VENV {
            packages(&root).map(|packages| packages.join(needs))
        } else {
            Some(root.join(needs))
        };
        let there = inside.is_some_and(|path| path.exists());
        (!there).then(|| format!("{variable} names no folder with {needs}"))
    }

    fn command(self) -> Command {
        let scripts = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/interop");
        let (mut command, kind) = match self {
            Self::Python(kind) => {
                let mut command = Command::new(folder(VENV).unwrap().join("bin/python"));
                command.arg(scripts.join("precedence.py"));
                (command, kind)
            }
            Self::Node(kind) => {
                let mut command = Command::new("node");
                command.arg(scripts.join("precedence.mjs"));
                (command, kind)
            }
            Self::DotNet => {
                let mut command = Command::new(folder(NODE_MODULES).and_then(|modules| azmcp(&modules)).unwrap());
                // By itself it takes no managed identity at all.
                command.args(["subscription", "list"]).env("AZURE_TOKEN_CREDENTIALS", "ManagedIdentityCredential");
                command.env("AZURE_MCP_COLLECT_TELEMETRY", "false").env("DOTNET_SYSTEM_GLOBALIZATION_INVARIANT", "1");
                return command;
            }
            Self::Curl => {
                let url = "http://169.254.169.254/metadata/identity/oauth2/token?api-version=2018-02-01&resource=x";
                let mut command = Command::new("curl");
                command.args(["-sS", "-H", "Metadata: true", url]);
                return command;
            }
        };
        command.arg(kind);
        command
    }

    /// Is it asked through a driver that stays?
    fn has_driver(self) -> bool {
        matches!(self, Self::Python(_) | Self::Node(_))
    }
}

/// The MCP server's program, which is in a package named after the platform.
fn azmcp(modules: &Path) -> Option<PathBuf> {
    let mut packages = fs::read_dir(modules.join("node_modules/@azure")).ok()?.flatten();
    packages.find_map(|package| Some(package.path().join("dist/azmcp")).filter(|program| program.exists()))
}

/// Where a virtual environment keeps its packages.
fn packages(venv: &Path) -> Option<PathBuf> {
    let mut libraries = fs::read_dir(venv.join("lib")).ok()?.flatten();
    libraries.find_map(|entry| Some(entry.path().join("site-packages")).filter(|path| path.exists()))
}

/// What was seen when a client was asked for a token.
#[derive(Debug)]
pub struct Seen {
    pub requests: Vec<Asked>,
    /// The programs it started, of those that it could take a token from or show a sign-in page with.
    pub programs: Vec<String>,
    /// What it said in the end.
    pub said: String,
}

/// A client that runs, and the listeners around it.
pub struct Driver {
    client: Real,
    running: Option<(Child, ChildStdin, BufReader<ChildStdout>)>,
    pub listeners: Listeners,
    /// A certificate and a key for a service principal.
    pub certificate: PathBuf,
    home: PathBuf,
}

impl Driver {
    /// Starts the listeners and loads the client.
    pub fn start(client: Real) -> Self {
        let home = std::env::temp_dir();
        let listeners = Listeners::start();
        programs(&home);
        let certificate = home.join("client.pem");
        fs::copy(&listeners.authority, &certificate).unwrap();
        let mut driver = Self { client, running: None, listeners, certificate, home };
        if client.has_driver() {
            let mut command = driver.equip(client.command());
            // The driver adds the key.
            command.arg(&driver.certificate);
            let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
            let (stdin, stdout) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
            driver.running = Some((child, stdin, BufReader::new(stdout)));
        }
        driver
    }

    /// Nothing of the caller's environment, but where programs are; the listeners are trusted.
    fn equip(&self, mut command: Command) -> Command {
        let path = std::env::var("PATH").unwrap_or_default();
        let own: Vec<_> =
            command.get_envs().filter_map(|(name, value)| Some((name.to_owned(), value?.to_owned()))).collect();
        command.env_clear().envs(own).env("PATH", format!("{}:{path}", self.home.join("bin").display()));
        command.env("BROWSER", self.home.join("bin/browser")).env("LANG", "C.UTF-8");
        command.env("HOME", &self.home).env("TMPDIR", &self.home).env("AZURE_CONFIG_DIR", self.home.join("az"));
        command.env("AZURE_CORE_COLLECT_TELEMETRY", "no").env("AZURE_CORE_SURVEY_MESSAGE", "no");
        command.envs(folder(NODE_MODULES).map(|folder| (NODE_MODULES, folder)));
        for name in ["REQUESTS_CA_BUNDLE", "SSL_CERT_FILE", "NODE_EXTRA_CA_CERTS", "CURL_CA_BUNDLE"] {
            command.env(name, &self.listeners.authority);
        }
        // Clients warn at length; what counts is in their answers.
        command.stderr(Stdio::null());
        command
    }

    /// Asks for a token, with these variables set besides.
    pub fn play(&mut self, variables: &Variables) -> Seen {
        let called = self.home.join("called");
        fs::write(&called, "").unwrap();
        let said = match &mut self.running {
            Some((_, stdin, stdout)) => {
                writeln!(stdin, "{}", serde_json::to_string(variables).unwrap()).unwrap();
                let mut line = String::new();
                stdout.read_line(&mut line).unwrap();
                let answer: Value = serde_json::from_str(&line).unwrap_or_else(|_| panic!("{:?} is gone", self.client));
                answer["said"].as_str().unwrap().to_owned()
            }
            None => {
                let output = self.equip(self.client.command()).envs(variables).stdin(Stdio::null()).output().unwrap();
                String::from_utf8_lossy(&output.stdout).into_owned()
            }
        };
        let programs = fs::read_to_string(called).unwrap().split_whitespace().map(str::to_owned).collect();
        Seen { requests: self.listeners.take(), programs, said }
    }
}

impl Drop for Driver {
    fn drop(&mut self) {
        if let Some((child, ..)) = &mut self.running {
            // It may have ended by itself.
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// Programs that clients start: developers' tools, which only note that they were called and fail, and a browser whose user
/// declines to sign in.
fn programs(home: &Path) {
    let folder = home.join("bin");
    fs::create_dir_all(&folder).unwrap();
    let note = |name: &str| format!("#!/bin/sh\necho {name} >>{}\n", home.join("called").display());
    let decline = r#"port=$(echo "$1" | sed -n 's/.*redirect_uri=[^&]*localhost%3A\([0-9]*\).*/\1/p')
state=$(echo "$1" | sed -n 's/.*[?&]state=\([^&]*\).*/\1/p')
curl -s -o /dev/null --noproxy '*' -d "error=access_denied&state=$state" "http://localhost:$port/" &
"#;
    for name in ["az", "azd", "pwsh", "powershell", "browser"] {
        let text = note(name) + if name == "browser" { decline } else { "exit 1\n" };
        fs::write(folder.join(name), text).unwrap();
        fs::set_permissions(folder.join(name), fs::Permissions::from_mode(0o755)).unwrap();
    }
}
