//! The alerts: Prometheus' own tool checks the rules and plays the time series that are written beside them.

use std::process::Command;

use crate::namespace::simulator::PROGRAM;
use crate::namespace::{Case, Suite};
use crate::of_machine;
use crate::recipe::{done, offer, path, said, text};

pub fn add(suite: &mut Suite) {
    offer(suite, &[of_machine("promtool")], Case::new("the alerts fire when they should and not before", fire));
    offer(suite, &[], Case::new("the alerts are made of metrics that there are", made_of_metrics));
}

fn fire() {
    done(Command::new("promtool").args(["check", "rules"]).arg(path("prometheus/midoctor.rules.yml")));
    let tests = "prometheus/midoctor.rules.test.yml";
    done(Command::new("promtool").args(["test", "rules"]).arg(path(tests)));
    for alert in text("prometheus/midoctor.rules.yml").lines().filter_map(|line| line.split_once("- alert: ")) {
        assert!(text(tests).contains(&format!("alertname: {}", alert.1)), "{} is not tried", alert.1);
    }
}

fn made_of_metrics() {
    let words = regex::Regex::new(r"\bmidoctor_[a-z_]+").unwrap();
    let output = Command::new(PROGRAM).args(["demo", "role-missing", "-o", "prom"]).env_clear().output().unwrap();
    let printed = said(&output);
    let there: Vec<&str> = words.find_iter(&printed).map(|found| found.as_str()).collect();
    for used in words.find_iter(&text("prometheus/midoctor.rules.yml")) {
        assert!(there.contains(&used.as_str()), "{} is printed by no run", used.as_str());
    }
}
