//! Logarithms on integers: those of floating point differ in their last digit from one library to the next.

/// Binary digits of a logarithm after the point: beyond them hashes of the same cost are told apart by name.
pub(crate) const DIGITS: u32 = 40;

/// `-log2(hash / 2^64)` with `DIGITS` binary digits after the point, by squaring.
pub(crate) fn negated_log2(hash: u64) -> u64 {
    let hash = hash | 1;
    let zeros = hash.leading_zeros();
    // In [1, 2), with 63 digits after the point.
    let mut mantissa = hash << zeros;
    let mut log = 0_u64;
    for _ in 0..DIGITS {
        let square = (u128::from(mantissa) * u128::from(mantissa)) >> 63;
        log <<= 1;
        let halved = if square >> 64 > 0 {
            log |= 1;
            square >> 1
        } else {
            square
        };
        mantissa = u64::try_from(halved).unwrap_or(u64::MAX);
    }
    ((u64::from(zeros) + 1) << DIGITS) - log
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn logarithms_are_those_of_mathematics() {
        let mut draw = crate::Draw::new(7);
        for hash in (0..1_000)
            .map(|_| draw.next())
            .chain([0, 1, 2, u64::MAX, 1 << 63])
        {
            #[expect(clippy::cast_precision_loss, reason = "compared up to that")]
            let (ours, exact) = (
                negated_log2(hash) as f64 / (1_u64 << DIGITS) as f64,
                64.0 - ((hash | 1) as f64).log2(),
            );
            assert!((ours - exact).abs() < 1e-9, "{hash}: {ours}, not {exact}");
        }
    }
}
