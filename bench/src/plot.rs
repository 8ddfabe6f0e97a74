//! Plots as SVG: lines over numbers of clients. Colours and text are readable on light and on dark ground.

use std::fmt::Write as _;

/// A line.
#[derive(Clone, Debug)]
pub(crate) struct Line {
    /// Its name in the legend.
    pub(crate) name: String,
    /// Which of the colours: the same for the same contender in every plot.
    pub(crate) colour: usize,
    /// Clients, and the figure.
    pub(crate) points: Vec<(usize, f64)>,
}

/// Size of the picture, and of what is around the lines.
const WIDTH: f64 = 760.0;
const HEIGHT: f64 = 400.0;
const LEFT: f64 = 78.0;
const RIGHT: f64 = 240.0;
const TOP: f64 = 44.0;
const BOTTOM: f64 = 56.0;
/// Steps of the scale on the left.
const STEPS: u32 = 5;
/// Neither too light nor too dark, and told apart by those who see red and green alike.
const COLOURS: [&str; 5] = ["#0a84c6", "#e07b00", "#1b9e77", "#c2408f", "#8a8a8a"];

const STYLE: &str = "<style>\
text{font:13px system-ui,sans-serif;fill:#24292f}.title{font-size:16px;font-weight:600}\
.grid{stroke:#8886;stroke-width:1}.axis{stroke:#888;stroke-width:1}\
@media(prefers-color-scheme:dark){text{fill:#d8dee4}}</style>";

/// A plot of figures, from 0, over numbers of clients on a logarithmic scale.
pub(crate) fn svg(title: &str, unit: &str, lines: &[Line]) -> String {
    let points = || lines.iter().flat_map(|line| &line.points);
    let mut clients: Vec<usize> = points().map(|point| point.0).collect();
    clients.sort_unstable();
    clients.dedup();
    let top = round_up(points().map(|point| point.1).fold(0.0, f64::max));
    let scale = Scale::new(&clients, top);
    let mut out = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" role=\"img\">\
         <title>{0}</title>{STYLE}<text class=\"title\" x=\"{LEFT}\" y=\"24\">{0}</text>",
        escaped(title)
    );
    axes(&mut out, &scale, &clients, unit);
    for (place, line) in lines.iter().enumerate() {
        draw(&mut out, &scale, line, place);
    }
    out.push_str("</svg>\n");
    out
}

/// Where a figure stands.
struct Scale {
    first: f64,
    last: f64,
    top: f64,
}

impl Scale {
    fn new(clients: &[usize], top: f64) -> Scale {
        let at = |clients: Option<&usize>| logarithm(clients.copied().unwrap_or(1));
        Scale {
            first: at(clients.first()),
            last: at(clients.last()),
            top,
        }
    }

    fn x(&self, clients: usize) -> f64 {
        let span = self.last - self.first;
        let share = if span > 0.0 {
            (logarithm(clients) - self.first) / span
        } else {
            0.5
        };
        LEFT + share * (WIDTH - LEFT - RIGHT)
    }

    fn y(&self, figure: f64) -> f64 {
        HEIGHT - BOTTOM - figure / self.top * (HEIGHT - TOP - BOTTOM)
    }
}

fn logarithm(clients: usize) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "some hundreds")]
    let clients = clients.max(1) as f64;
    clients.log2()
}

/// The next figure that is 1, 2, 2.5 or 5 and zeros.
fn round_up(figure: f64) -> f64 {
    let figure = figure.max(1.0);
    let power = 10f64.powf(figure.log10().floor());
    let steps = [1.0, 2.0, 2.5, 5.0, 10.0].map(|step| step * power);
    steps
        .into_iter()
        .find(|step| *step >= figure)
        .unwrap_or(figure)
}

fn axes(out: &mut String, scale: &Scale, clients: &[usize], unit: &str) {
    let (end, ground) = (WIDTH - RIGHT, HEIGHT - BOTTOM);
    for step in 0..=STEPS {
        let figure = scale.top * f64::from(step) / f64::from(STEPS);
        let y = scale.y(figure);
        let class = if step == 0 { "axis" } else { "grid" };
        let _ = write!(
            out,
            "<line class=\"{class}\" x1=\"{LEFT}\" x2=\"{end}\" y1=\"{y:.1}\" y2=\"{y:.1}\"/>\
             <text text-anchor=\"end\" x=\"{:.1}\" y=\"{:.1}\">{}</text>",
            LEFT - 8.0,
            y + 4.0,
            grouped(figure)
        );
    }
    for &count in clients {
        let x = scale.x(count);
        let _ = write!(
            out,
            "<line class=\"axis\" x1=\"{x:.1}\" x2=\"{x:.1}\" y1=\"{ground}\" y2=\"{:.1}\"/>\
             <text text-anchor=\"middle\" x=\"{x:.1}\" y=\"{:.1}\">{count}</text>",
            ground + 5.0,
            ground + 20.0
        );
    }
    let (middle_x, middle_y) = (f64::midpoint(LEFT, end), f64::midpoint(TOP, ground));
    let _ = write!(
        out,
        "<text text-anchor=\"middle\" x=\"{middle_x:.1}\" y=\"{:.1}\">clients</text>\
         <text text-anchor=\"middle\" transform=\"translate(16 {middle_y:.1}) rotate(-90)\">{}</text>",
        HEIGHT - 14.0,
        escaped(unit)
    );
}

fn draw(out: &mut String, scale: &Scale, line: &Line, place: usize) {
    let index = line.colour % COLOURS.len();
    let colour = COLOURS.get(index).copied().unwrap_or("#888");
    let mut path = String::new();
    for (clients, figure) in &line.points {
        let (x, y) = (scale.x(*clients), scale.y(*figure));
        let _ = write!(path, "{x:.1},{y:.1} ");
        let _ = write!(
            out,
            "<circle fill=\"{colour}\" cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"3.5\"/>"
        );
    }
    #[expect(clippy::cast_precision_loss, reason = "a handful")]
    let y = TOP + 10.0 + 22.0 * place as f64;
    let x = WIDTH - RIGHT + 18.0;
    let _ = write!(
        out,
        "<polyline fill=\"none\" stroke=\"{colour}\" stroke-width=\"2\" points=\"{}\"/>\
         <line stroke=\"{colour}\" stroke-width=\"3\" x1=\"{x}\" x2=\"{:.1}\" y1=\"{y}\" y2=\"{y}\"/>\
         <text x=\"{:.1}\" y=\"{:.1}\">{}</text>",
        path.trim_end(),
        x + 18.0,
        x + 25.0,
        y + 4.0,
        escaped(&line.name)
    );
}

/// Thousands with commas.
pub(crate) fn grouped(figure: f64) -> String {
    let digits = format!("{figure:.0}");
    let mut out = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn example() -> String {
        let line = |name: &str, colour, points: &[(usize, f64)]| Line {
            name: name.to_owned(),
            colour,
            points: points.to_vec(),
        };
        svg(
            "a <b> & c",
            "writes/s",
            &[
                line("one", 0, &[(1, 100.0), (16, 1_900.0), (256, 1_200.0)]),
                line("two & three", 7, &[(1, 0.0)]),
            ],
        )
    }

    /// Every element that is opened is closed, in order.
    #[test]
    fn a_plot_is_well_formed() {
        let svg = example();
        let mut open = Vec::new();
        let mut rest = svg.as_str();
        while let Some(begin) = rest.find('<') {
            let end = begin + rest[begin..].find('>').expect("an end of the tag");
            let tag = &rest[begin + 1..end];
            let name = tag.split(' ').next().unwrap();
            if let Some(name) = name.strip_prefix('/') {
                assert_eq!(open.pop(), Some(name));
            } else if !tag.ends_with('/') {
                open.push(name);
            }
            assert!(tag.matches('"').count().is_multiple_of(2), "{tag}");
            rest = &rest[end + 1..];
        }
        assert!(open.is_empty(), "{open:?}");
        assert!(
            svg.replace("&amp;", "")
                .replace("&lt;", "")
                .replace("&gt;", "")
                .find('&')
                .is_none()
        );
        assert!(!svg.contains("NaN") && !svg.contains("inf"));
    }

    #[test]
    fn a_plot_of_nothing_is_one_too() {
        let svg = svg("nothing", "x", &[]);
        assert!(svg.ends_with("</svg>\n") && !svg.contains("NaN"));
    }

    #[test]
    fn scales_end_at_round_figures() {
        assert_eq!(round_up(1_900.0), 2_000.0);
        assert_eq!(round_up(2_100.0), 2_500.0);
        assert_eq!(round_up(7_000.0), 10_000.0);
        assert_eq!(grouped(1_234_567.0), "1,234,567");
        assert_eq!(grouped(12.0), "12");
    }
}
