//! A fold takes little memory: some hundred bytes for a VM, and none for an older report of it.

#![cfg(all(feature = "simulator", feature = "archives"))]
#![cfg(target_os = "linux")]

use std::io::{BufRead, BufReader, Write};
use std::process::Stdio;

use crate::common::midoctor;
use crate::fleet_rows::{Rows, Vm};

/// The most that a fold of so many reports of so many VMs had resident, in kilobytes. Rows come through a pipe; the process is
/// looked at when it has shown the first line of its answer, which is longer than a pipe holds.
fn peak(reports: usize, vms: usize) -> u64 {
    let templates = ["healthy", "role-missing", "legacy-answering", "identity-none"]
        .map(|state| Rows::default().line(state, Vm::new("vm-to-be-named", "rg-web"), "20T10:00:00"));
    let mut child =
        midoctor(&["fleet", "-", "-o", "json"]).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let mut pipe = std::io::BufWriter::new(child.stdin.take().unwrap());
    let writer = std::thread::spawn(move || {
        for index in 0..reports {
            let row = &templates[if index % 10 < 7 { 0 } else { index % 10 - 6 }];
            let row = row.replace("vm-to-be-named", &format!("vm-{:06}", index % vms));
            pipe.write_all(row.replace("20T10", &format!("{:02}T10", 1 + index / vms)).as_bytes()).unwrap();
        }
    });
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let head = lines.next().unwrap().unwrap();
    let status = std::fs::read_to_string(format!("/proc/{}/status", child.id())).unwrap();
    assert!(head.contains(&format!("\"read\":{reports},\"vms\":{vms},")), "{}", &head[..300]);
    assert!(lines.count() > vms);
    writer.join().unwrap();
    child.wait().unwrap();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    peak.trim().trim_end_matches(" kB").parse().unwrap()
}

#[test]
fn memory_grows_with_vms_and_little_and_not_with_reports() {
    let (few, many, again) = (peak(2_000, 2_000), peak(20_000, 20_000), peak(40_000, 2_000));
    let each = (many - few) * 1024 / 18_000;
    assert!(each < 450, "{each} bytes for a VM more");
    // 38,000 reports more, of some kilobytes each.
    assert!(again < few + 4_000, "{few} kB, and {again} kB with twenty reports of each VM");
}
