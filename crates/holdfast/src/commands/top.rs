//! `holdfast top`: the cluster as it is, again and again.

mod board;
mod counts;
mod lines;
mod model;
mod poll;
mod rows;
#[cfg(test)]
mod sample;
mod terminal;
mod view;

use std::io;
use std::time::{Duration, Instant};

use crossterm::event::{Event, EventStream};
use futures::StreamExt as _;
use holdfast_client::http_types::v1::locks::Explanation;
use jiff::Timestamp;
use tokio::sync::{mpsc, watch};
use tokio::time::sleep;

use self::model::{Model, Wanted};
use self::poll::{Poller, Read, Reading};
use self::terminal::Screen;
use self::view::{Canvas, Palette};
use super::signals::{Signals, by_signal};
use crate::args::TopArgs;
use crate::args::globals::{Format, Globals};
use crate::exit::{Exit, Failure};
use crate::output::{self, Output};

/// Between two readings at least: the questions are a load, too.
const INTERVAL_MIN: Duration = Duration::from_millis(100);
/// After which ages are shown anew though nothing was read.
const TICK: Duration = Duration::from_secs(1);
/// Columns of plain text where nothing says how wide it may be.
const PLAIN_WIDTH: u16 = 160;
/// Fewer are of no use.
const PLAIN_WIDTH_MIN: u16 = 80;

/// Shows the cluster until told to stop, or once.
pub(super) fn run(out: Output, globals: &Globals, args: &TopArgs) -> Result<u8, Failure> {
    let interval = args.interval.max(INTERVAL_MIN);
    let poller = Poller::new(globals)?;
    let runtime = super::runtime()?;
    match out.format {
        Format::Json | Format::Ndjson => runtime.block_on(print_lines(poller, interval, args.once)),
        Format::Table if args.once || !out.terminal => {
            runtime.block_on(print_once(poller, interval))
        }
        Format::Table => runtime.block_on(live(globals, poller, interval)),
        Format::Name | Format::Env => Err(Failure::new(
            Exit::Usage,
            "print this so",
            "a view of the cluster has neither names nor variables",
        )
        .remedy("use -o json")),
    }
}

/// A line for each reading but the first, which has no rates yet.
async fn print_lines(mut poller: Poller, interval: Duration, once: bool) -> Result<u8, Failure> {
    let began = Instant::now();
    let mut model = Model::new();
    model.take(began.elapsed(), poller.read().await);
    loop {
        sleep(interval).await;
        model.take(began.elapsed(), poller.read().await);
        let line = lines::object(&model.board, began.elapsed(), Timestamp::now());
        output::write(format!("{line}\n").as_bytes())?;
        if once {
            return Ok(verdict(&model));
        }
    }
}

async fn print_once(mut poller: Poller, interval: Duration) -> Result<u8, Failure> {
    let began = Instant::now();
    let mut model = Model::new();
    model.take(began.elapsed(), poller.read().await);
    sleep(interval).await;
    model.take(began.elapsed(), poller.read().await);
    let width = std::env::var("COLUMNS")
        .ok()
        .and_then(|text| text.parse().ok());
    let width = width.unwrap_or(PLAIN_WIDTH).max(PLAIN_WIDTH_MIN);
    output::write(view::plain(&model, began.elapsed(), width).as_bytes())?;
    Ok(verdict(&model))
}

/// That something was not answered is an error, though everything that is known was said.
fn verdict(model: &Model) -> u8 {
    if model.board.is_whole() {
        0
    } else {
        Exit::Unavailable.code()
    }
}

async fn live(globals: &Globals, poller: Poller, interval: Duration) -> Result<u8, Failure> {
    let no_color = globals.no_color || std::env::var_os("NO_COLOR").is_some_and(|v| !v.is_empty());
    let palette = Palette { colour: !no_color };
    let mut signals = Signals::listen()?;
    let mut screen = Screen::open()?;
    let mut keys = EventStream::new();
    let began = Instant::now();
    let mut model = Model::new();
    let paused = watch::Sender::new(false);
    let (sender, mut readings) = mpsc::channel(1);
    let polling = tokio::spawn(poll(poller, interval, sender, paused.subscribe()));
    let (told, mut explanations) = mpsc::channel::<(String, Read<Explanation>)>(1);
    let code = loop {
        screen.show(|frame| {
            let area = frame.area();
            let mut canvas = Canvas {
                buffer: frame.buffer_mut(),
                palette,
                now: began.elapsed(),
            };
            view::screen(&model, area, &mut canvas);
        })?;
        tokio::select! {
            signal = signals.next() => break by_signal(signal),
            Some(reading) = readings.recv() => model.take(began.elapsed(), reading),
            Some((lock, explanation)) = explanations.recv() => model.explained(&lock, explanation),
            event = keys.next() => match event {
                Some(Ok(Event::Key(key))) => match model.key(key) {
                    Some(Wanted::Quit) => break 0,
                    Some(Wanted::Explanation(lock)) => ask_why(globals, lock, told.clone()),
                    None => {
                        paused.send_if_modified(|was| std::mem::replace(was, model.paused) != model.paused);
                    }
                },
                Some(Ok(_)) => {}
                Some(Err(error)) => return Err(terminal::failed(&error)),
                None => return Err(terminal::failed(&io::ErrorKind::UnexpectedEof.into())),
            },
            () = sleep(TICK) => {}
        }
    };
    polling.abort();
    Ok(code)
}

/// Reads again and again, unless paused. A reading that nobody has taken yet is waited for.
async fn poll(
    mut poller: Poller,
    interval: Duration,
    readings: mpsc::Sender<Reading>,
    mut paused: watch::Receiver<bool>,
) {
    loop {
        if paused.wait_for(|paused| !paused).await.is_err() {
            return;
        }
        let reading = poller.read().await;
        if readings.send(reading).await.is_err() {
            return;
        }
        sleep(interval).await;
    }
}

/// Asks why a lock is as it is, while everything else goes on.
fn ask_why(globals: &Globals, lock: String, told: mpsc::Sender<(String, Read<Explanation>)>) {
    let globals = globals.clone();
    tokio::spawn(async move {
        let explanation = poll::explain(globals, lock.clone()).await;
        // The view may have ended meanwhile.
        let _ = told.send((lock, explanation)).await;
    });
}
