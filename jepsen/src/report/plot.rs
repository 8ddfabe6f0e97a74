//! The frame that all drawings over time share: the axis of time, and the faults behind it.

use super::faults::Interval;
use super::html::time;
use super::scale::{Scale, Span, ticks};
use super::svg::{Area, Point, Svg};

/// Width of every drawing.
pub(crate) const WIDTH: f64 = 1120.0;
/// Where the values begin and end from left to right.
pub(crate) const LEFT: f64 = 66.0;
pub(crate) const RIGHT: f64 = WIDTH - 14.0;

/// Most faults drawn behind one drawing.
const BANDS_MAX: usize = 300;
/// Rows of labels above; what overlaps more than that has no label, only its band.
const LANES: usize = 3;
const LANE_HEIGHT: f64 = 15.0;
/// About the width of a character of a label.
const CHAR_WIDTH: f64 = 6.1;

/// A drawing over time.
pub(crate) struct Plot {
    pub(crate) svg: Svg,
    x: Scale,
    /// Where the values begin and end from top to bottom.
    pub(crate) top: f64,
    pub(crate) bottom: f64,
    end_ns: u64,
}

impl Plot {
    /// A frame for the time between two nanoseconds, with a place of this height, and the faults
    /// that fall into it.
    pub(crate) fn new((from_ns, to_ns): (u64, u64), height: f64, faults: &[Interval]) -> Plot {
        let to_ns = to_ns.max(from_ns + 1);
        let visible =
            |fault: &&Interval| fault.start < to_ns && fault.end.is_none_or(|end| end >= from_ns);
        let faults: Vec<&Interval> = faults.iter().filter(visible).take(BANDS_MAX).collect();
        let seconds = |ns: u64| ns as f64 / 1e9;
        let x = Scale {
            values: Span {
                from: seconds(from_ns),
                to: seconds(to_ns),
            },
            pixels: Span {
                from: LEFT,
                to: RIGHT,
            },
        };
        let lanes = lanes_of(&faults, &x);
        let rows = lanes.iter().flatten().max().map_or(0, |lane| lane + 1);
        let top = 8.0 + rows as f64 * LANE_HEIGHT;
        let mut plot = Plot {
            svg: Svg::default(),
            x,
            top,
            bottom: top + height,
            end_ns: to_ns,
        };
        for (fault, lane) in faults.iter().zip(&lanes) {
            plot.band(fault, *lane);
        }
        plot.time_axis();
        plot
    }

    /// Where a time is from left to right.
    pub(crate) fn x(&self, ns: u64) -> f64 {
        self.x.at(ns as f64 / 1e9)
    }

    fn band(&mut self, fault: &Interval, lane: Option<usize>) {
        let (from, to) = (
            self.x(fault.start),
            self.x(fault.end.unwrap_or(self.end_ns)),
        );
        let width = (to - from).max(1.5);
        let class = format!(
            "{}{}",
            class(&fault.kind),
            if fault.observed { "" } else { " unseen" }
        );
        let area = Area {
            x: from,
            y: self.top,
            width,
            height: self.bottom - self.top,
        };
        self.svg.rect(&format!("band {class}"), area, &title(fault));
        let Some(lane) = lane else { return };
        let y = self.top - (lane as f64 + 1.0) * LANE_HEIGHT;
        let area = Area {
            x: from,
            y: y + 11.0,
            width,
            height: 3.0,
        };
        self.svg.rect(&format!("lane {class}"), area, &title(fault));
        let label = fault.label();
        let x = from.min(RIGHT - width_of(&label));
        self.svg.text("lane-label", (x, y + 9.0), &label);
    }

    fn time_axis(&mut self) {
        for (second, words) in ticks(self.x.values, 12.0) {
            let x = self.x.at(second);
            self.svg.line("grid", (x, self.top), (x, self.bottom));
            self.svg
                .text("tick mid", (x, self.bottom + 15.0), &format!("{words} s"));
        }
        self.svg
            .line("axis", (LEFT, self.bottom), (RIGHT, self.bottom));
    }

    /// Lines across with words at their left.
    pub(crate) fn y_axis(&mut self, ticks: impl IntoIterator<Item = (f64, String)>) {
        for (y, words) in ticks {
            self.svg.line("grid", (LEFT, y), (RIGHT, y));
            self.svg.text("tick end", (LEFT - 8.0, y + 4.0), &words);
        }
    }

    /// The words of a row, at its left.
    pub(crate) fn row_label(&mut self, y: f64, words: &str) {
        self.svg.text("row end", (LEFT - 8.0, y), words);
    }

    /// Names of colours at the upper right, below the labels of faults.
    pub(crate) fn key(&mut self, entries: &[(&str, &str)]) {
        let mut x = RIGHT - 6.0;
        for (class, words) in entries.iter().rev() {
            x -= width_of(words);
            self.svg.text("key", (x, self.top + 14.0), words);
            x -= 14.0;
            let area = Area {
                x,
                y: self.top + 6.0,
                width: 9.0,
                height: 9.0,
            };
            self.svg.rect(&format!("sample {class}"), area, "");
            x -= 12.0;
        }
    }

    pub(crate) fn finish(self, label: &str) -> String {
        let size: Point = (WIDTH, self.bottom + 22.0);
        self.svg.finish(size, label)
    }
}

/// What kind of hurt it is: the colour of its band.
pub(crate) fn class(kind: &str) -> &'static str {
    const CLASSES: &[(&str, &str)] = &[
        ("client", "b-client"),
        ("partition", "b-net"),
        ("flapping", "b-net"),
        ("loss", "b-net"),
        ("delay", "b-net"),
        ("big-packets", "b-net"),
        ("reset", "b-net"),
        ("clock", "b-clock"),
        ("monotonic", "b-clock"),
        ("disk", "b-disk"),
        ("lost-writes", "b-disk"),
        ("torn-tail", "b-disk"),
        ("bit-flip", "b-disk"),
        ("leader", "b-admin"),
        ("snapshot", "b-admin"),
        ("member", "b-admin"),
    ];
    let found = CLASSES.iter().find(|(start, _)| kind.starts_with(start));
    found.map_or("b-process", |(_, class)| class)
}

fn title(fault: &Interval) -> String {
    let end = fault
        .end
        .map_or("never ended".to_owned(), |end| format!("{} s", time(end)));
    let seen = if fault.observed { "" } else { "\nNOT OBSERVED" };
    format!("{}\n{} s – {end}{seen}", fault.label(), time(fault.start))
}

fn width_of(words: &str) -> f64 {
    words.chars().count() as f64 * CHAR_WIDTH
}

/// In which row of labels each fault has its own, so that none covers another.
fn lanes_of(faults: &[&Interval], x: &Scale) -> Vec<Option<usize>> {
    let mut free_from = [f64::MIN; LANES];
    let mut place = |fault: &&Interval| {
        let width = width_of(&fault.label());
        // The last ones stand left of their band.
        let at = x.at(fault.start as f64 / 1e9).min(RIGHT - width);
        let lane = free_from.iter().position(|free| *free <= at)?;
        if let Some(free) = free_from.get_mut(lane) {
            *free = at + width + 8.0;
        }
        Some(lane)
    };
    faults.iter().map(&mut place).collect()
}
