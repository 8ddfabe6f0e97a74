//! A terminal for programs that want one, and what is on its screen. It knows what such programs use: places,
//! styles, two screens.

use std::fs::File;
use std::io::{Read as _, Write as _};
use std::os::fd::OwnedFd;
use std::process::{Child, Command};
use std::sync::mpsc::{Receiver, sync_channel};

use rustix::fs::{Mode, OFlags, open};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{LocalModes, Winsize, tcgetattr, tcsetwinsize};

use crate::wait::until;

const COLUMNS: u16 = 120;
const LINES: u16 = 40;

/// A terminal with a program on it.
#[derive(Debug)]
pub struct Terminal {
    /// The program.
    pub child: Child,
    keyboard: File,
    /// Held open, so that how the terminal is set can be seen after the program has ended.
    line: OwnedFd,
    written: Receiver<Vec<u8>>,
    /// Of that, what does not end a character or a command yet.
    rest: Vec<u8>,
    screen: Screen,
}

/// What is on the screen.
#[derive(Debug)]
struct Screen {
    cells: Vec<Vec<char>>,
    /// Line and column of the next character.
    place: (usize, usize),
    /// Whether it is the other screen, which is used for programs that fill it.
    other: bool,
}

impl Terminal {
    /// Starts a program on a terminal.
    ///
    /// # Panics
    /// When there is no terminal to be had, or the program does not start.
    #[must_use]
    pub fn start(command: &mut Command) -> Terminal {
        let ours = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).expect("open a terminal");
        grantpt(&ours)
            .and_then(|()| unlockpt(&ours))
            .expect("unlock the terminal");
        let name = ptsname(&ours, Vec::new()).expect("name the terminal");
        let line = open(
            name.as_c_str(),
            OFlags::RDWR | OFlags::NOCTTY,
            Mode::empty(),
        )
        .expect("open the other side");
        let size = Winsize {
            ws_row: LINES,
            ws_col: COLUMNS,
            ws_xpixel: 0,
            ws_ypixel: 0,
        };
        tcsetwinsize(&line, size).expect("size the terminal");
        let side = || line.try_clone().expect("share the terminal");
        let child = command
            .stdin(side())
            .stdout(side())
            .stderr(side())
            .spawn()
            .expect("start the program");
        let keyboard = File::from(ours);
        let mut screen = keyboard.try_clone().expect("share the terminal");
        let (sender, written) = sync_channel(1_000);
        std::thread::spawn(move || {
            let mut bytes = [0; 4096];
            while let Ok(count @ 1..) = screen.read(&mut bytes) {
                if sender.send(bytes[..count].to_vec()).is_err() {
                    return;
                }
            }
        });
        Terminal {
            child,
            keyboard,
            line,
            written,
            rest: Vec::new(),
            screen: Screen {
                cells: vec![vec![' '; COLUMNS.into()]; LINES.into()],
                place: (0, 0),
                other: false,
            },
        }
    }

    /// Types something.
    ///
    /// # Panics
    /// When the terminal is gone.
    pub fn press(&mut self, keys: &str) {
        self.keyboard.write_all(keys.as_bytes()).expect("type");
    }

    /// Waits until this is somewhere on the screen.
    ///
    /// # Panics
    /// When it never is.
    pub fn wait_for(&mut self, text: &str) {
        until(text, || {
            self.take();
            self.screen.text().contains(text)
        });
    }

    /// Waits until the program has left the screen that it filled.
    ///
    /// # Panics
    /// When it does not.
    pub fn wait_until_left(&mut self) {
        until("the program to leave the screen", || {
            self.take();
            !self.screen.other
        });
    }

    /// Takes what was written meanwhile.
    fn take(&mut self) {
        while let Ok(bytes) = self.written.try_recv() {
            self.rest.extend(bytes);
        }
        while let Some(used) = self.screen.take(&self.rest) {
            self.rest.drain(..used);
        }
    }

    /// Whether the terminal is as a shell leaves it: it shows what is typed, and gives it line by line.
    ///
    /// # Panics
    /// When the terminal is gone.
    #[must_use]
    pub fn is_as_before(&self) -> bool {
        let modes = tcgetattr(&self.line)
            .expect("look at the terminal")
            .local_modes;
        modes.contains(LocalModes::ICANON | LocalModes::ECHO | LocalModes::ISIG)
    }
}

impl Screen {
    fn text(&self) -> String {
        let lines = self
            .cells
            .iter()
            .map(|line| line.iter().collect::<String>());
        lines.collect::<Vec<_>>().join("\n")
    }

    /// Takes one character or command; says how many bytes it was, if it is all there.
    fn take(&mut self, bytes: &[u8]) -> Option<usize> {
        if let [0x1b, rest @ ..] = bytes {
            let (&first, rest) = rest.split_first()?;
            if first != b'[' {
                return Some(2);
            }
            let end = rest.iter().position(|byte| (0x40..0x7f).contains(byte))?;
            self.command(&String::from_utf8_lossy(&rest[..end]), rest[end]);
            return Some(end + 3);
        }
        let length =
            (1..=4.min(bytes.len())).find(|n| std::str::from_utf8(&bytes[..*n]).is_ok())?;
        let character = std::str::from_utf8(&bytes[..length])
            .unwrap()
            .chars()
            .next()?;
        let (line, column) = self.place;
        if let Some(cell) = self
            .cells
            .get_mut(line)
            .and_then(|line| line.get_mut(column))
        {
            *cell = character;
        }
        self.place.1 += 1;
        Some(length)
    }

    fn command(&mut self, parameters: &str, name: u8) {
        match (name, parameters) {
            (b'H', _) => {
                let mut numbers = parameters.split(';').map(|n| n.parse().unwrap_or(1_usize));
                let mut next = || numbers.next().unwrap_or(1).saturating_sub(1);
                self.place = (next(), next());
            }
            (b'J', _) => self.cells.iter_mut().for_each(|line| line.fill(' ')),
            (b'h' | b'l', "?1049") => self.other = name == b'h',
            _ => {}
        }
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        // It has ended already, if the test went well.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
