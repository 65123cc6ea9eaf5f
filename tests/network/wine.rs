//! A Windows of Wine's making, in a folder, and the program for Windows in it. It knows nothing of what is tried there.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::namespace::place;
use crate::namespace::simulator::{self, Ran, Simulator, TOLD};
use crate::tools::is_there;

/// Names the program.
const PROGRAM: &str = "MIDOCTOR_WINDOWS_EXE";
const COMPILER: &str = "x86_64-w64-mingw32-gcc";

/// Why none of it can be tried here.
pub fn missing() -> Vec<(String, String)> {
    let why = match std::env::var_os(PROGRAM) {
        None => format!("{PROGRAM} names no program for x86_64-pc-windows-gnu"),
        Some(exe) if !Path::new(&exe).is_file() => format!("{PROGRAM}: there is no file {}", exe.display()),
        Some(_) if !is_there("wine") => "wine is not installed (Debian's packages wine and wine64)".to_owned(),
        Some(_) if !is_there(COMPILER) => {
            format!("{COMPILER} is not installed (Debian's package gcc-mingw-w64-x86-64)")
        }
        Some(_) => return Vec::new(),
    };
    vec![("windows: a VM under Wine".into(), why)]
}

/// A Windows in a folder, with the program in it.
pub struct Windows {
    folder: tempfile::TempDir,
}

impl Windows {
    pub fn new() -> Self {
        let windows = Self { folder: tempfile::tempdir().unwrap() };
        fs::copy(std::env::var_os(PROGRAM).unwrap(), windows.path("midoctor.exe")).unwrap();
        fs::write(
            windows.path("prng.c"),
            "#include <windows.h>\nBOOLEAN NTAPI SystemFunction036(PVOID, ULONG);\n\
             __declspec(dllexport) BOOL WINAPI ProcessPrng(PBYTE to, SIZE_T size) {\n\
             return SystemFunction036(to, (ULONG)size);\n}\n",
        )
        .unwrap();
        let library = windows.path("bcryptprimitives.dll");
        let source = windows.path("prng.c");
        place::run(COMPILER, &["-shared", "-o", library.to_str().unwrap(), source.to_str().unwrap(), "-ladvapi32"]);
        fs::create_dir(windows.path("prefix")).unwrap();
        windows.boot();
        // No program looks for a display.
        windows.write(r"HKEY_CURRENT_USER\Software\Wine\Drivers", &[("Graphics", "\"null\"")]);
        windows
    }

    /// Starts Wine's server, which stays until the case ends, and with it the services of Wine's own, which complain of a namespace
    /// without devices to whoever started them.
    fn boot(&self) {
        self.server("--persistent");
        let mut boot = self.wine("wineboot", &["--init"]);
        let booted = boot.stdout(Stdio::null()).stderr(Stdio::null()).status().unwrap();
        assert!(booted.success(), "wineboot: {booted}");
    }

    fn server(&self, what: &str) {
        let mut server = Command::new("wineserver");
        server.arg(what).env("WINEPREFIX", self.path("prefix")).env("HOME", self.folder.path());
        let told = server.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).status().unwrap();
        assert!(told.success(), "wineserver {what}: {told}");
    }

    /// Waits until Wine shows this card. The driver by which it does so is lost at times when the machine is busy, and comes again with
    /// a new start alone.
    pub fn shows_card(&self, name: &str) {
        for _ in 0..3 {
            if text(&self.wine("ipconfig", &[]).output().unwrap().stdout).contains(name) {
                return;
            }
            self.server("--kill");
            self.server("--wait");
            self.boot();
        }
        panic!("Wine does not show the card {name}");
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// A program of Windows, in its folder, with nothing of the caller's environment. No window is opened and nobody is asked.
    pub fn wine(&self, program: &str, arguments: &[&str]) -> Command {
        let mut command = Command::new("wine");
        command.arg(program).args(arguments).current_dir(self.folder.path()).env_clear().stdin(Stdio::null());
        command.env("PATH", std::env::var_os("PATH").unwrap()).env("HOME", self.folder.path());
        command.env("WINEPREFIX", self.path("prefix")).env("WINEDEBUG", "-all");
        command.env("WINEDLLOVERRIDES", "mscoree,mshtml=");
        command
    }

    /// The program for Windows, which trusts that authority.
    pub fn midoctor(&self, simulator: Option<&Simulator>, arguments: &[&str]) -> Command {
        let mut command = self.wine("midoctor.exe", arguments);
        let authority = simulator.map(|simulator| format!("Z:{}", simulator.authority().display()).replace('/', r"\"));
        command.envs(authority.into_iter().flat_map(|file| TOLD.map(|name| (name, file.clone()))));
        command
    }

    pub fn examine(&self, simulator: Option<&Simulator>, arguments: &[&str]) -> Ran {
        let ran =
            simulator::examine(self.midoctor(simulator, &[&["check"], arguments].concat()).env("LANG", "C.UTF-8"));
        simulator::assert_valid(&ran.report);
        ran
    }

    /// Writes a key of the registry: names, with their values as in a file of `reg`.
    pub fn write(&self, key: &str, values: &[(&str, &str)]) {
        let lines: String = values.iter().map(|(name, value)| format!("\"{name}\"={value}\r\n")).collect();
        let file = format!("\u{feff}Windows Registry Editor Version 5.00\r\n\r\n[{key}]\r\n{lines}");
        fs::write(self.path("new.reg"), utf16(&file)).unwrap();
        let output = self.wine("reg", &["import", "new.reg"]).output().unwrap();
        assert!(output.status.success(), "reg import: {}{}", text(&output.stdout), text(&output.stderr));
    }
}

pub fn utf16(text: &str) -> Vec<u8> {
    text.encode_utf16().flat_map(u16::to_le_bytes).collect()
}

pub fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap()
}
