//! Small things said in words: durations and numbers. Knows nothing of checks.

use std::time::Duration;

/// A number of things: `1 attempt`, `3 attempts`.
pub fn plural(n: u64, unit: &str) -> String {
    if n == 1 { format!("1 {unit}") } else { format!("{n} {unit}s") }
}

/// The mean length of a year, in seconds, and what is counted in years from then on.
const A_YEAR: u64 = 31_556_952;
const A_WHILE: u64 = 2 * A_YEAR;

/// A duration as people say it: `3 ms`, `1.2 s`, `20 minutes`.
pub fn in_words(duration: Duration) -> String {
    let ms = duration.as_millis();
    match duration.as_secs() {
        0 => format!("{ms} ms"),
        1..=9 => format!("{:.1} s", duration.as_secs_f64()),
        s @ 10..=119 => format!("{s} s"),
        s @ 120..=7199 => plural(s / 60, "minute"),
        s @ 7200..=172_799 => plural(s / 3600, "hour"),
        s @ 172_800..A_WHILE => plural(s / 86_400, "day"),
        // To the nearest, since ten years hold two or three leap days.
        s => plural((s + A_YEAR / 2) / A_YEAR, "year"),
    }
}

/// A list as people say it: `a`, `a and b`, `a, b and c`.
pub fn listed(items: &[String]) -> String {
    match items {
        [] => String::new(),
        [one] => one.clone(),
        [first @ .., last] => format!("{} and {last}", first.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_is_said_as_people_say_it() {
        for (items, words) in [(&[][..], ""), (&["a"], "a"), (&["a", "b"], "a and b"), (&["a", "b", "c"], "a, b and c")]
        {
            let items: Vec<String> = items.iter().map(|item| (*item).to_owned()).collect();
            assert_eq!(listed(&items), words);
        }
    }

    #[test]
    fn a_duration_is_said_as_people_say_it() {
        for (ms, words) in [
            (0, "0 ms"),
            (999, "999 ms"),
            (1_250, "1.2 s"),
            (10_000, "10 s"),
            (119_999, "119 s"),
            (120_000, "2 minutes"),
            (7_200_000, "2 hours"),
            (86_400_000 * 3, "3 days"),
            (86_400_000 * 730, "730 days"),
            (86_400_000 * 731, "2 years"),
            (86_400_000 * 3650, "10 years"),
            (u64::MAX, "584554049 years"),
        ] {
            assert_eq!(in_words(Duration::from_millis(ms)), words);
        }
    }
}
