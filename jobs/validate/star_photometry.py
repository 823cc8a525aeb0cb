"""Stars of an image, by means of our own so that both programs are measured with one ruler: peaks, Gaussian-windowed centroids
(as SExtractor's XWIN_IMAGE) and aperture fluxes above a local background. Pixel positions are 0-based."""
import numpy as np

APERTURE = 7.0  # pixels, radius
ANNULUS = (10.0, 15.0)  # pixels, radii of the ring whose median is the background
MARGIN = 20  # pixels between a star and anything without data
SUBPIXELS = 5  # a pixel on the edge of the aperture is cut into so many squared


def noise_of(image):
    """Robust standard deviation of the pixel-to-pixel noise: the image minus its own copy one pixel to the right."""
    difference = np.diff(image, axis=1)
    difference = difference[np.isfinite(difference)]
    return 1.4826 * np.median(np.abs(difference - np.median(difference))) / np.sqrt(2)


def _boxes_without_nan(image, half):
    """True where the square of side 2 half + 1 about a pixel is finite throughout."""
    bad = np.pad(~np.isfinite(image), 1)
    total = np.zeros((bad.shape[0] + 1, bad.shape[1] + 1), dtype=np.int64)
    total[1:, 1:] = np.cumsum(np.cumsum(bad, axis=0), axis=1)
    ny, nx = image.shape
    good = np.zeros(image.shape, dtype=bool)
    side = 2 * half + 1
    if ny > side and nx > side:
        inner = total[1 + side:, 1 + side:] - total[1:-side, 1 + side:] - total[1 + side:, 1:-side] + total[1:-side, 1:-side]
        good[half:half + ny - side, half:half + nx - side] = inner[:ny - side, :nx - side] == 0
    return good


def find_peaks(image, threshold, separation=12, maximum=2000):
    """(x, y) of local maxima `threshold` sigmas above their surroundings, brightest first, none nearer to another peak of a
    tenth of its height than `separation` pixels."""
    sigma = noise_of(image)
    filled = np.where(np.isfinite(image), image, -np.inf)
    core = filled[1:-1, 1:-1]
    peak = np.zeros(image.shape, dtype=bool)
    peak[1:-1, 1:-1] = core > -np.inf
    for dy in (-1, 0, 1):
        for dx in (-1, 0, 1):
            if (dy, dx) != (0, 0):
                other = filled[1 + dy:filled.shape[0] - 1 + dy, 1 + dx:filled.shape[1] - 1 + dx]
                peak[1:-1, 1:-1] &= (core > other) if (dy, dx) > (0, 0) else (core >= other)
    peak &= _boxes_without_nan(image, MARGIN)
    candidates = []
    for y, x in zip(*np.nonzero(peak)):
        height = image[y, x] - np.median(image[y - MARGIN:y + MARGIN + 1:2, x - MARGIN:x + MARGIN + 1:2])
        if height > 0.3 * threshold * sigma:
            candidates.append((height, x, y))
    candidates.sort(reverse=True)
    heights = np.array([c[0] for c in candidates])
    places = np.array([c[1:] for c in candidates], dtype=float)
    found = []
    for k, (height, x, y) in enumerate(candidates):
        if height < threshold * sigma or len(found) == maximum:
            break
        near = (np.hypot(places[:, 0] - x, places[:, 1] - y) < separation) & (heights > 0.1 * height)
        if np.count_nonzero(near) == 1:  # itself
            found.append((x, y))
    return np.array(found, dtype=float).reshape(-1, 2)


def _cut(image, x, y, half):
    column, row = int(round(x)), int(round(y))
    stamp = image[row - half:row + half + 1, column - half:column + half + 1]
    yy, xx = np.mgrid[row - half:row + half + 1, column - half:column + half + 1]
    return stamp, xx, yy


def background(image, x, y):
    stamp, xx, yy = _cut(image, x, y, int(ANNULUS[1]) + 1)
    radius = np.hypot(xx - x, yy - y)
    return float(np.median(stamp[(radius >= ANNULUS[0]) & (radius <= ANNULUS[1])]))


def centroid(image, x, y, sigma=2.5, iterations=30):
    """Gaussian-windowed centroid, or None where it runs away."""
    level = background(image, x, y)
    x0, y0 = x, y
    for _ in range(iterations):
        stamp, xx, yy = _cut(image, x, y, 9)
        weight = np.exp(-((xx - x) ** 2 + (yy - y) ** 2) / (2 * sigma**2)) * (stamp - level)
        total = weight.sum()
        if total <= 0:
            return None
        step_x, step_y = 2 * (weight * (xx - x)).sum() / total, 2 * (weight * (yy - y)).sum() / total
        x, y = x + step_x, y + step_y
        if np.hypot(x - x0, y - y0) > 3:
            return None
        if np.hypot(step_x, step_y) < 1e-5:
            break
    return x, y


def aperture_flux(image, x, y):
    level = background(image, x, y)
    stamp, xx, yy = _cut(image, x, y, int(APERTURE) + 2)
    offsets = (np.arange(SUBPIXELS) + 0.5) / SUBPIXELS - 0.5
    inside = np.zeros(stamp.shape)
    for dy in offsets:
        for dx in offsets:
            inside += np.hypot(xx + dx - x, yy + dy - y) <= APERTURE
    return float(((stamp - level) * inside).sum() / SUBPIXELS**2)


def measure(image, peaks):
    """Array of (x, y, flux), NaN where the centroid runs away."""
    rows = []
    for x, y in peaks:
        place = centroid(image, x, y)
        rows.append((np.nan,) * 3 if place is None else (*place, aperture_flux(image, *place)))
    return np.array(rows).reshape(-1, 3)


def match(first, second, radius=1.0):
    """Indices into both lists of (x, y, ...) of pairs nearer than `radius`, each the other's nearest."""
    if not len(first) or not len(second):
        return np.empty(0, dtype=int), np.empty(0, dtype=int)
    distance = np.hypot(first[:, None, 0] - second[None, :, 0], first[:, None, 1] - second[None, :, 1])
    distance[~np.isfinite(distance)] = np.inf
    to_second, to_first = distance.argmin(axis=1), distance.argmin(axis=0)
    index = np.arange(len(first))
    good = (to_first[to_second] == index) & (distance[index, to_second] < radius)
    return index[good], to_second[good]
