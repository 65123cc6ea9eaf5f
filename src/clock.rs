//! What time this machine believes it is, however wrong that is: before 1970, and in years that no time stamp can hold, too. It
//! judges nothing; whether the clock is right, the check `clock` says.

use std::time::{Duration, SystemTime};

use jiff::Timestamp;
use rustls::pki_types::UnixTime;
use rustls::time_provider::TimeProvider;

/// The years that RFC 3339 can write, but for one, so that what is valid a while from now can be written as well.
const FIRST: Timestamp = Timestamp::constant(-62_135_596_800, 0);
const LAST: Timestamp = Timestamp::constant(253_370_764_799, 0);

/// The time now. A clock before the year 1 or beyond the year 9998 is taken to show the first or last second of them.
pub fn now() -> Timestamp {
    written(SystemTime::now())
}

fn written(time: SystemTime) -> Timestamp {
    let beyond = if time < SystemTime::UNIX_EPOCH { FIRST } else { LAST };
    Timestamp::try_from(time).unwrap_or(beyond).clamp(FIRST, LAST)
}

/// The clock by which certificates are judged. Rustls's own gives up before 1970, which is here the first moment of it: no
/// certificate is valid then, and the answer to that is a finding and not an end.
#[derive(Clone, Copy, Debug)]
pub struct ForCertificates;

impl TimeProvider for ForCertificates {
    fn current_time(&self) -> Option<UnixTime> {
        Some(since_1970(now()))
    }
}

fn since_1970(time: Timestamp) -> UnixTime {
    UnixTime::since_unix_epoch(Duration::from_secs(u64::try_from(time.as_second()).unwrap_or_default()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_clock_shows_a_time_that_can_be_written() {
        let at = |years: u64| Duration::from_secs(years * 31_556_952);
        for (time, shown) in [
            (SystemTime::UNIX_EPOCH, "1970-01-01T00:00:00Z"),
            (SystemTime::UNIX_EPOCH - Duration::from_secs(1), "1969-12-31T23:59:59Z"),
            (SystemTime::UNIX_EPOCH + at(200), "2169-12-31T12:00:00Z"),
            (SystemTime::UNIX_EPOCH + at(8_030), "9998-12-31T23:59:59Z"),
            (SystemTime::UNIX_EPOCH + at(200_000), "9998-12-31T23:59:59Z"),
            (SystemTime::UNIX_EPOCH - at(2_000), "0001-01-01T00:00:00Z"),
            (SystemTime::UNIX_EPOCH - at(200_000), "0001-01-01T00:00:00Z"),
        ] {
            assert_eq!(written(time).to_string(), shown);
        }
    }

    #[test]
    fn certificates_are_judged_by_a_clock_that_begins_in_1970() {
        for (time, seconds) in
            [("1969-06-01T00:00:00Z", 0), ("1970-01-01T00:00:05.9Z", 5), ("2105-01-01T00:00:00Z", 4_260_211_200)]
        {
            assert_eq!(since_1970(time.parse().expect("a time")).as_secs(), seconds, "{time}");
        }
    }
}
