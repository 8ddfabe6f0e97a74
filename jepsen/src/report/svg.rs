//! Drawing by hand: shapes into SVG text.

use super::html::escape;

/// A drawing in the making.
#[derive(Default)]
pub(crate) struct Svg {
    body: String,
}

/// A rectangle.
#[derive(Clone, Copy)]
pub(crate) struct Area {
    pub(crate) x: f64,
    pub(crate) y: f64,
    pub(crate) width: f64,
    pub(crate) height: f64,
}

/// A point.
pub(crate) type Point = (f64, f64);

impl Svg {
    /// A rectangle; `title` is shown when the pointer rests on it.
    pub(crate) fn rect(&mut self, class: &str, area: Area, title: &str) {
        self.body.push_str(&format!(
            "<rect class=\"{class}\" x=\"{}\" y=\"{}\" width=\"{}\" height=\"{}\"",
            number(area.x),
            number(area.y),
            number(area.width),
            number(area.height)
        ));
        self.close("rect", title);
    }

    /// A circle; `title` as above.
    pub(crate) fn circle(&mut self, class: &str, (x, y): Point, title: &str) {
        self.body.push_str(&format!(
            "<circle class=\"{class}\" cx=\"{}\" cy=\"{}\" r=\"4\"",
            number(x),
            number(y)
        ));
        self.close("circle", title);
    }

    fn close(&mut self, tag: &str, title: &str) {
        if title.is_empty() {
            self.body.push_str("/>\n");
        } else {
            let title = escape(title);
            self.body
                .push_str(&format!("><title>{title}</title></{tag}>\n"));
        }
    }

    /// A straight line.
    pub(crate) fn line(&mut self, class: &str, from: Point, to: Point) {
        self.path(
            class,
            &format!(
                "M{} {}L{} {}",
                number(from.0),
                number(from.1),
                number(to.0),
                number(to.1)
            ),
        );
    }

    /// A path of our own making.
    pub(crate) fn path(&mut self, class: &str, d: &str) {
        if !d.is_empty() {
            self.body
                .push_str(&format!("<path class=\"{class}\" d=\"{d}\"/>\n"));
        }
    }

    /// Words.
    pub(crate) fn text(&mut self, class: &str, (x, y): Point, words: &str) {
        self.body.push_str(&format!(
            "<text class=\"{class}\" x=\"{}\" y=\"{}\">{}</text>\n",
            number(x),
            number(y),
            escape(words)
        ));
    }

    /// The whole of it; `label` is for those who cannot see it.
    pub(crate) fn finish(self, (width, height): Point, label: &str) -> String {
        format!(
            "<div class=\"plot\"><svg viewBox=\"0 0 {} {}\" role=\"img\" aria-label=\"{}\">\n{}</svg></div>\n",
            number(width),
            number(height),
            escape(label),
            self.body
        )
    }
}

/// A path through points, interrupted where there is none.
pub(crate) fn broken_line(points: impl IntoIterator<Item = Option<Point>>) -> String {
    let mut d = String::new();
    let mut pen_down = false;
    for point in points {
        if let Some((x, y)) = point {
            let letter = if pen_down { 'L' } else { 'M' };
            d.push_str(&format!("{letter}{} {}", number(x), number(y)));
            if !pen_down {
                // A point alone is seen, too.
                d.push_str("h.1");
            }
        }
        pen_down = point.is_some();
    }
    d
}

/// A tenth of a pixel is enough, and short.
fn number(x: f64) -> String {
    let text = format!("{:.1}", if x.is_finite() { x } else { 0.0 });
    text.strip_suffix(".0").unwrap_or(&text).to_owned()
}
