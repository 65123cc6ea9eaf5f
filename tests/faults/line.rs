//! A connection from the server's side, plain or in TLS, and the ways to end one.

use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use nix::libc::linger;
use nix::sys::socket::{setsockopt, sockopt};
use rustls::{ServerConnection, StreamOwned};

pub enum Line {
    Plain(TcpStream),
    Tls(Box<StreamOwned<ServerConnection, TcpStream>>),
}

/// How a connection ends.
pub enum End {
    Close,
    Reset,
    /// The client is waited for.
    Hold,
}

/// Longer than any run may take.
const FOR_EVER: u64 = 120;

impl Line {
    fn socket(&self) -> &TcpStream {
        match self {
            Self::Plain(socket) => socket,
            Self::Tls(stream) => &stream.sock,
        }
    }

    /// One byte a second, round and round, until the client has had enough.
    pub fn drip(&mut self, bytes: &[u8]) -> io::Result<End> {
        for byte in bytes.iter().cycle().take(FOR_EVER as usize) {
            self.write_all(&[*byte])?;
            std::thread::sleep(Duration::from_secs(1));
        }
        Ok(End::Hold)
    }

    /// The same bytes again and again, as fast as they are taken.
    pub fn flood(&mut self, bytes: &[u8]) -> io::Result<End> {
        let many = bytes.repeat((16 * 1024usize).div_ceil(bytes.len()));
        loop {
            self.write_all(&many)?;
        }
    }

    pub fn end(mut self, how: &End) -> io::Result<()> {
        match how {
            End::Close => {
                if let Self::Tls(stream) = &mut self {
                    stream.conn.send_close_notify();
                    stream.flush()?;
                }
                Ok(())
            }
            End::Reset => {
                let at_once = linger { l_onoff: 1, l_linger: 0 };
                Ok(setsockopt(self.socket(), sockopt::Linger, &at_once)?)
            }
            End::Hold => {
                self.socket().set_read_timeout(Some(Duration::from_secs(FOR_EVER)))?;
                let mut buffer = [0; 1024];
                while self.read(&mut buffer)? > 0 {}
                Ok(())
            }
        }
    }
}

impl Read for Line {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Plain(socket) => socket.read(buffer),
            Self::Tls(stream) => stream.read(buffer),
        }
    }
}

impl Write for Line {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Plain(socket) => socket.write(bytes),
            Self::Tls(stream) => stream.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::Plain(socket) => socket.flush(),
            Self::Tls(stream) => stream.flush(),
        }
    }
}
