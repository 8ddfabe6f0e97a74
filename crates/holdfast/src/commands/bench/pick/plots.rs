//! The plots, as SVG.

use std::error::Error;

use plotters::coord::combinators::IntoLogRange;
use plotters::coord::ranged1d::{AsRangedCoord, ValueFormatter};
use plotters::prelude::*;

use super::figures::Figures;

/// Width and height of a plot.
const SIZE: (u32, u32) = (760, 400);
/// Told apart by those who see red and green alike.
const COLOURS: [RGBColor; 5] = [
    RGBColor(10, 132, 198),
    RGBColor(224, 123, 0),
    RGBColor(27, 158, 119),
    RGBColor(194, 64, 143),
    RGBColor(120, 120, 120),
];

/// A line of a plot.
struct Line {
    name: String,
    points: Vec<(f64, f64)>,
}

/// What is written at a plot.
struct Labels {
    title: &'static str,
    across: &'static str,
    up: &'static str,
    legend: SeriesLabelPosition,
}

/// Names of files and what is in them.
///
/// # Errors
/// None is expected: the plots are drawn in memory.
pub(super) fn all(figures: &Figures) -> Result<Vec<(&'static str, String)>, Box<dyn Error>> {
    Ok(vec![
        ("slow-instance.svg", slow_instance(figures)?),
        ("old-reports.svg", old_reports(figures)?),
        ("keys-moved.svg", keys_moved(figures)?),
        ("turns.svg", turns(figures)?),
    ])
}

/// Bars: what the slow instance gets, beside the line of what it can take.
fn slow_instance(figures: &Figures) -> Result<String, Box<dyn Error>> {
    let bars = &figures.slow_instance;
    let names: Vec<&str> = bars.iter().map(|bar| bar.strategy).collect();
    let mut svg = String::new();
    {
        let area = SVGBackend::with_string(&mut svg, SIZE).into_drawing_area();
        area.fill(&WHITE)?;
        let mut chart = ChartBuilder::on(&area)
            .caption(
                "One of four instances is three times slower: its part of the requests",
                ("sans-serif", 16),
            )
            .margin(12)
            .x_label_area_size(36)
            .y_label_area_size(56)
            .build_cartesian_2d(
                (0..names.len().saturating_sub(1)).into_segmented(),
                0.0..30.0,
            )?;
        chart
            .configure_mesh()
            .disable_x_mesh()
            .light_line_style(TRANSPARENT)
            .y_desc("percent")
            .x_label_formatter(&|at| match at {
                SegmentValue::CenterOf(index) => {
                    names.get(*index).copied().unwrap_or("").to_owned()
                }
                SegmentValue::Exact(_) | SegmentValue::Last => String::new(),
            })
            .draw()?;
        chart.draw_series(bars.iter().enumerate().map(|(index, bar)| {
            let corners = [
                (SegmentValue::Exact(index), 0.0),
                (SegmentValue::Exact(index + 1), bar.slow_share_percent),
            ];
            let mut bar = Rectangle::new(corners, colour(0).filled());
            bar.set_margin(0, 0, 30, 30);
            bar
        }))?;
        let can = figures.capacity_share_percent;
        let ends = [
            (SegmentValue::Exact(0), can),
            (SegmentValue::Exact(names.len()), can),
        ];
        chart
            .draw_series(LineSeries::new(ends, colour(1).stroke_width(2)))?
            .label("what it can take")
            .legend(|(x, y)| PathElement::new([(x, y), (x + 16, y)], colour(1).stroke_width(2)));
        chart
            .configure_series_labels()
            .position(SeriesLabelPosition::UpperRight)
            .draw()?;
        area.present()?;
    }
    Ok(svg)
}

fn old_reports(figures: &Figures) -> Result<String, Box<dyn Error>> {
    let mut lines: Vec<Line> = Vec::new();
    for figure in &figures.old_reports {
        let with = if figure.reservations {
            "with"
        } else {
            "without"
        };
        let name = format!("{}, {with} reservations", figure.strategy);
        let point = (f64::from(figure.report_every_ms), figure.p99_ms.max(1.0));
        add(&mut lines, name, point);
    }
    let labels = Labels {
        title: "Old reports: who counts what is open does not mind them",
        across: "ms between two reports",
        up: "p99 in ms",
        legend: SeriesLabelPosition::UpperLeft,
    };
    let across = (50.0..5_000.0).log_scale();
    draw(&labels, across, (50.0..20_000.0).log_scale(), &lines)
}

fn keys_moved(figures: &Figures) -> Result<String, Box<dyn Error>> {
    let mut lines: Vec<Line> = Vec::new();
    for figure in &figures.keys_moved {
        #[expect(clippy::cast_precision_loss, reason = "up to 50")]
        let instances = figure.instances as f64;
        add(
            &mut lines,
            figure.mapping.to_owned(),
            (instances, figure.moved_percent),
        );
        if figure.mapping == "modulo" {
            add(
                &mut lines,
                "1/n: what has to move".to_owned(),
                (instances, 100.0 / instances),
            );
        }
    }
    let labels = Labels {
        title: "One of n instances leaves: keys that belong to another than before",
        across: "instances before",
        up: "percent of all keys",
        legend: SeriesLabelPosition::MiddleRight,
    };
    draw(&labels, (2.0..50.0).log_scale(), 0.0..100.0, &lines)
}

fn turns(figures: &Figures) -> Result<String, Box<dyn Error>> {
    let mut lines: Vec<Line> = Vec::new();
    for figure in &figures.turns {
        let point = (f64::from(figure.choices), figure.off_by);
        add(&mut lines, figure.strategy.to_owned(), point);
    }
    let labels = Labels {
        title: "Weights 5, 3, 2 and 1: how far the furthest is from its due",
        across: "choices (a full cycle is 11)",
        up: "choices too many or too few",
        legend: SeriesLabelPosition::UpperLeft,
    };
    draw(&labels, 1.0..33.0, 0.0..5.0, &lines)
}

/// Adds a point to the line of this name.
fn add(lines: &mut Vec<Line>, name: String, point: (f64, f64)) {
    match lines.iter_mut().find(|line| line.name == name) {
        Some(line) => line.points.push(point),
        None => lines.push(Line {
            name,
            points: vec![point],
        }),
    }
}

/// A plot of lines.
fn draw<X, Y>(labels: &Labels, across: X, up: Y, lines: &[Line]) -> Result<String, Box<dyn Error>>
where
    X: AsRangedCoord<Value = f64>,
    X::CoordDescType: ValueFormatter<f64> + Ranged<ValueType = f64>,
    Y: AsRangedCoord<Value = f64>,
    Y::CoordDescType: ValueFormatter<f64> + Ranged<ValueType = f64>,
{
    let mut svg = String::new();
    {
        let area = SVGBackend::with_string(&mut svg, SIZE).into_drawing_area();
        area.fill(&WHITE)?;
        let mut chart = ChartBuilder::on(&area)
            .caption(labels.title, ("sans-serif", 16))
            .margin(12)
            .x_label_area_size(44)
            .y_label_area_size(64)
            .build_cartesian_2d(across, up)?;
        let mut mesh = chart.configure_mesh();
        mesh.light_line_style(TRANSPARENT)
            .x_desc(labels.across)
            .y_desc(labels.up);
        mesh.draw()?;
        for (index, line) in lines.iter().enumerate() {
            let style = colour(index).stroke_width(2);
            chart
                .draw_series(LineSeries::new(line.points.iter().copied(), style).point_size(3))?
                .label(&line.name)
                .legend(move |(x, y)| PathElement::new([(x, y), (x + 16, y)], style));
        }
        chart
            .configure_series_labels()
            .background_style(WHITE.mix(0.8))
            .border_style(TRANSPARENT)
            .position(labels.legend.clone())
            .draw()?;
        area.present()?;
    }
    Ok(svg)
}

fn colour(index: usize) -> RGBColor {
    COLOURS.get(index % COLOURS.len()).copied().unwrap_or(BLACK)
}
