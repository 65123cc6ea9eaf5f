//! Reads the lists of root certificates that a platform or an environment names. A path can be a pipe that nobody writes to or lie
//! on a disk that does not answer, so it is read in a thread that is left behind when it is late. It judges nothing.

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::time::Duration;

use rustls_native_certs::{CertificateResult, load_certs_from_paths};

use crate::clients::roots::LISTS;

/// So long is waited for the roots from when they are needed. They are a few hundred kilobytes.
const PATIENCE: Duration = Duration::from_secs(2);

/// Roots that are being read.
pub struct Reading(Mutex<mpsc::Receiver<CertificateResult>>);

impl Reading {
    /// Of the platform; `SSL_CERT_FILE` and `SSL_CERT_DIR` take their place when they are set.
    pub fn of_this_platform() -> Self {
        Self::start(rustls_native_certs::load_native_certs)
    }

    /// What clients trust that have these values of `SSL_CERT_FILE` and `SSL_CERT_DIR`, whatever midoctor's own are.
    pub fn of_others(file: Option<&str>, folders: Option<&str>) -> Self {
        let (file, folders) = (file.map(str::to_owned), folders.map(str::to_owned));
        Self::start(move || match (&file, &folders) {
            (None, None) => without_own(),
            (file, folders) => {
                let mut found = load_certs_from_paths(file.as_ref().map(Path::new), None);
                for folder in folders.iter().flat_map(std::env::split_paths).filter(|path| !path.as_os_str().is_empty())
                {
                    let more = load_certs_from_paths(None, Some(&folder));
                    found.certs.extend(more.certs);
                    found.errors.extend(more.errors);
                }
                found
            }
        })
    }

    fn start(read: impl Fn() -> CertificateResult + Send + Sync + 'static) -> Self {
        let (sender, receiver) = mpsc::channel();
        let read = Arc::new(read);
        let (other, there) = (sender.clone(), Arc::clone(&read));
        // Nobody listens any more when the time is over.
        if std::thread::Builder::new().spawn(move || other.send(there())).is_err() {
            // No thread can be had. To wait for a list is better than to say that there is none.
            let _ = sender.send(read());
        }
        Self(Mutex::new(receiver))
    }

    /// The roots, or why there are none.
    ///
    /// # Errors
    /// They were not read in time.
    pub fn wait(&self) -> Result<CertificateResult, String> {
        let receiver = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        receiver.recv_timeout(PATIENCE).map_err(|error| match error {
            mpsc::RecvTimeoutError::Timeout => format!("they could not be read within {} seconds", PATIENCE.as_secs()),
            mpsc::RecvTimeoutError::Disconnected => "they could not be read".into(),
        })
    }
}

/// The platform's roots, without regard to what midoctor's own environment names instead.
fn without_own() -> CertificateResult {
    let named = ["SSL_CERT_FILE", "SSL_CERT_DIR"].iter().any(|name| std::env::var_os(name).is_some());
    match LISTS.iter().map(Path::new).find(|file| named && file.exists()) {
        Some(file) => load_certs_from_paths(Some(file), None),
        None => rustls_native_certs::load_native_certs(),
    }
}
