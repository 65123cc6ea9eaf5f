//! Which proxy each HTTP library would send a request for the metadata service to, by its own reading of the variables.
//!
//! The rules are those of the libraries' sources; the interop suite holds them against the real ones.
