"""Cuts faces out of photos: for the networks, and for people to look at.

FaceNet gets the detector's box with some air, stretched to 160 x 160, as it was trained; a head that leans is turned
upright first. At the edge of the photo the landmarks say where the box would be (docs/decisions/0012). Networks that
were trained on five-point warps get those.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ml.arguments import checked_count, checked_image, checked_number, checked_numbers

FACE_SIDE = 160  # pixels; what FaceNet was trained on
# Of those 160 pixels so many are air around the box, half on each side.
MARGIN = 32
# A head that leans by more is turned upright. Most do not, and are cut as the network's training photos were.
LEVEL_DEGREES = 10

# Mean place of the five landmarks in MTCNN's boxes, fractions of the box, measured on the faces of LFW.
BOX_LAYOUT = np.array(
    [(0.286, 0.387), (0.734, 0.379), (0.510, 0.583), (0.321, 0.758), (0.714, 0.753)], dtype=np.float32
)

BOX_ASPECT = 0.75  # width by height of those boxes
# The same as complex numbers, as a face has them.
UPRIGHT = BOX_LAYOUT[:, 0].astype(np.float64) * BOX_ASPECT + 1j * BOX_LAYOUT[:, 1]

# Where ArcFace and the networks after it expect the landmarks in their 112 x 112 pixels.
# Source: Deng et al., ArcFace: additive angular margin loss for deep face recognition, CVPR 2019; insightface's code.
ARCFACE_SIDE = 112
ARCFACE_LAYOUT = np.array(
    [(38.2946, 51.6963), (73.5318, 51.5014), (56.0252, 71.7366), (41.5493, 92.3655), (70.7299, 92.2041)],
    dtype=np.float32,
)

TINIEST = 1e-9  # pixels; a rectangle with smaller sides is none
EDGE = 3  # pixels around what a warp looks at, for its filters

REDUCING_GAP = 3  # pictures this many times too big are first reduced by averaging whole pixels

DISPLAY_SIDE = 320  # pixels at most
DISPLAY_FACE_SHARE = 0.6  # of the crop's height that the face takes up


def crop_for_embedding(
    image: Image.Image, corners: NDArray[np.float32], landmarks: NDArray[np.floating] | None = None
) -> NDArray[np.uint8]:
    """Cut out a face for the network, turned upright if the head leans by more than 10 degrees.

    Where the margin would reach beyond the photo, the box is probably cut off too, and says less about where the face
    is than the landmarks do: then they decide.

    Args:
        image: upright RGB.
        corners: shape (4,): left, top, right, bottom of the face in pixels.
        landmarks: shape (5, 2): x, y in pixels, in the order of `ml.geometry.LANDMARKS`; without, nothing is turned.

    Returns:
        Shape (160, 160, 3), black where the photo ends. Without landmarks, or with such as no face has, the margin is
        cut off at the edge of the photo instead, and of a box beside the photo the nearest pixels are taken.

    Raises:
        ValueError: the image is not RGB, corners are not four or landmarks not five times two finite numbers.

    Source: facenet-pytorch's extract_face, for heads that do not lean and are well inside the photo.
    """
    checked_image("image", image)
    corners = checked_numbers("corners", corners, 4)
    air = (corners[2:] - corners[:2]) * MARGIN / (FACE_SIDE - MARGIN) / 2
    if landmarks is not None:
        angle = tilt(landmarks)
        if (corners[:2] < air).any() or (corners[2:] + air > image.size).any():
            try:
                return cut_by_landmarks(image, landmarks, MARGIN)
            except ValueError:
                angle = 0.0
        if abs(angle) > np.deg2rad(LEVEL_DEGREES):
            width, height = np.maximum(corners[2:] - corners[:2] + 2 * air, 1)
            return cut_turned(image, complex(*(corners[:2] + corners[2:]) / 2), float(width), float(height), angle)
    width, height = image.size
    left, top = np.trunc(np.clip(corners[:2] - air, 0, image.size)).astype(int)
    right, bottom = np.trunc(np.clip(corners[2:] + air, 0, image.size)).astype(int)
    # A box thinner than a pixel still needs something to look at.
    left, top = min(left, width - 1), min(top, height - 1)
    box = (left, top, max(right, left + 1), max(bottom, top + 1))
    # A gap of 3 lets Pillow first reduce faces of 1000 pixels and more roughly, for half the time.
    face = image.resize((FACE_SIDE, FACE_SIDE), Image.Resampling.BILINEAR, box=box, reducing_gap=REDUCING_GAP)
    return np.asarray(face, dtype=np.uint8)


def cut_by_landmarks(image: Image.Image, landmarks: NDArray[np.floating], margin: int) -> NDArray[np.uint8]:
    """Cut out the box that usually goes with such landmarks, with a margin, and stretch it to the network's square.

    Args:
        image: upright RGB.
        landmarks: shape (5, 2): x, y in pixels.
        margin: how many of the 160 pixels are air, both sides together.

    Returns:
        Shape (160, 160, 3). Black outside the photo.

    Raises:
        ValueError: as for `fit_similarity`; or the image is not RGB, or the margin not from 0 to 159.
    """
    checked_number("margin", margin, least=0, most=FACE_SIDE - 1)
    size = np.array((FACE_SIDE * BOX_ASPECT, FACE_SIDE))
    layout = (BOX_LAYOUT * (FACE_SIDE - margin) + margin / 2) * (BOX_ASPECT, 1) - 0.5
    turn, shift = fit_similarity(landmarks, layout)
    width, height = size / abs(turn)
    return cut_turned(image, (complex(*size / 2) - shift) / turn, float(width), float(height), -float(np.angle(turn)))


def tilt(landmarks: NDArray[np.floating]) -> float:
    """By what angle a head leans, radians clockwise: 0 upright, and where the landmarks say nothing.

    All five count: of a head seen from the side the eyes alone lie too near to each other to tell.

    Args:
        landmarks: shape (5, 2): x, y in any unit.

    Raises:
        ValueError: landmarks are not five times two finite numbers.
    """
    points = _finite_points(landmarks, "landmarks")
    return -float(np.angle(np.vdot(points - points.mean(), UPRIGHT - UPRIGHT.mean())))


def cut_turned(image: Image.Image, middle: complex, width: float, height: float, angle: float) -> NDArray[np.uint8]:
    """Cut out a rectangle that leans, and stretch it to the network's square.

    Args:
        image: upright RGB.
        middle: of the rectangle, x + iy in pixels. width, height: its sides in pixels, above 0.
        angle: by which it leans, radians clockwise.

    Returns:
        Shape (160, 160, 3). Black outside the photo.

    Raises:
        ValueError: the image is not RGB, a number is not finite, or width or height is not above 0.
    """
    checked_image("image", image)
    checked_numbers("middle", (middle.real, middle.imag), 2)
    checked_number("width", width, least=TINIEST)
    checked_number("height", height, least=TINIEST)
    checked_number("angle", angle)
    lean = np.exp(1j * angle)
    origin = middle - complex(width, height) / 2 * lean
    corners = origin + lean * np.array([0, width, height * 1j, width + height * 1j])
    left, right = np.clip([np.floor(corners.real.min()) - EDGE, np.ceil(corners.real.max()) + EDGE], 0, image.width)
    top, bottom = np.clip([np.floor(corners.imag.min()) - EDGE, np.ceil(corners.imag.max()) + EDGE], 0, image.height)
    if right <= left or bottom <= top:
        return np.zeros((FACE_SIDE, FACE_SIDE, 3), dtype=np.uint8)
    # Turned at the photo's own size, then shrunk, which keeps most detail; a very big face is reduced before.
    shrink = max(int(min(width, height) / (FACE_SIDE * REDUCING_GAP)), 1)
    part = image.reduce(shrink, box=(int(left), int(top), int(right), int(bottom)))
    size = max(round(width / shrink), 1), max(round(height / shrink), 1)
    across, down = lean * width / size[0] / shrink, lean * 1j * height / size[1] / shrink
    start = (origin - complex(left, top)) / shrink
    matrix = (across.real, down.real, start.real, across.imag, down.imag, start.imag)
    turned = part.transform(size, Image.Transform.AFFINE, matrix, Image.Resampling.BICUBIC)
    return np.asarray(turned.resize((FACE_SIDE, FACE_SIDE), Image.Resampling.BILINEAR), dtype=np.uint8)


def warp_to_layout(
    image: Image.Image, landmarks: NDArray[np.floating], layout: NDArray[np.floating], side: int
) -> NDArray[np.uint8]:
    """Turn, scale and move a face so that its landmarks come to lie as near to a layout as they can.

    Args:
        image: upright RGB.
        landmarks: shape (5, 2): x, y in pixels of the image, in the order of `ml.geometry.LANDMARKS`.
        layout: shape (5, 2): where they should lie, in pixels of the result. Of both, whole numbers are the centres
            of pixels, as in OpenCV, with which such layouts were made.
        side: of the result, pixels.

    Returns:
        Shape (side, side, 3). Black outside the photo. Shrinking averages, so that nothing aliases.

    Raises:
        ValueError: the image is not RGB, a shape is wrong, a number is not finite, the landmarks or the layout lie all
            in one place, or the side is not at least 1.

    Source: Umeyama, Least-squares estimation of transformation parameters between two point patterns, PAMI 1991.
    """
    checked_image("image", image)
    checked_count("side", side)
    turn, shift = fit_similarity(landmarks, layout)
    # Now the way back: from the result to the photo, which is what has to be looked up for each pixel.
    back = 1 / turn
    origin = -shift * back
    corners = origin + back * np.array([0, side, side * 1j, side + side * 1j])
    left, right = np.clip([np.floor(corners.real.min()) - EDGE, np.ceil(corners.real.max()) + EDGE], 0, image.width)
    top, bottom = np.clip([np.floor(corners.imag.min()) - EDGE, np.ceil(corners.imag.max()) + EDGE], 0, image.height)
    if right <= left or bottom <= top:
        return np.zeros((side, side, 3), dtype=np.uint8)
    shrink = max(abs(back), 1.0)
    size = max(round((right - left) / shrink), 1), max(round((bottom - top) / shrink), 1)
    part = image.resize(size, Image.Resampling.LANCZOS, box=(left, top, right, bottom), reducing_gap=REDUCING_GAP)
    # Rounding to whole pixels made the two directions shrink a little differently.
    across, down = size[0] / (right - left), size[1] / (bottom - top)
    matrix = (
        back.real * across, -back.imag * across, (origin.real - left) * across,
        back.imag * down, back.real * down, (origin.imag - top) * down,
    )  # fmt: skip
    face = part.transform((side, side), Image.Transform.AFFINE, matrix, Image.Resampling.BICUBIC)
    return np.asarray(face, dtype=np.uint8)


def fit_similarity(landmarks: NDArray[np.floating], layout: NDArray[np.floating]) -> tuple[complex, complex]:
    """The turn-and-scale a and the shift b for which a * landmarks + b comes closest to the layout.

    Args:
        landmarks, layout: shape (5, 2): x, y in pixels, whole numbers at the centres of pixels.

    Returns:
        a and b for points as complex numbers x + iy whose whole numbers are edges of pixels. In the plane Umeyama's
        solution is plain linear regression on such numbers.

    Raises:
        ValueError: as for `warp_to_layout`.
    """
    points, targets = _five_points(landmarks, "landmarks"), _five_points(layout, "layout")
    from_middle, targets_from_middle = points - points.mean(), targets - targets.mean()
    turn = complex(np.vdot(from_middle, targets_from_middle) / np.vdot(from_middle, from_middle).real)
    if abs(turn) < 1e-9:
        raise ValueError("landmarks cannot be brought to the layout: they are mirrored or out of order")
    return turn, complex(targets.mean() - turn * points.mean())


def _five_points(points: NDArray[np.floating], argument: str) -> NDArray[np.complex128]:
    """Shape (5, 2), whole numbers at the centres of pixels -> (5,) complex, whole numbers at their edges."""
    places = _finite_points(points, argument)
    if np.abs(places - places.mean()).max() < 1e-6:
        raise ValueError(f"{argument} must not lie all in one place")
    return places + (0.5 + 0.5j)


def _finite_points(points: NDArray[np.floating], argument: str) -> NDArray[np.complex128]:
    checked = checked_numbers(argument, points, 5, 2).astype(np.float64)
    places: NDArray[np.complex128] = checked[:, 0] + 1j * checked[:, 1]
    return places


def crop_for_display(image: Image.Image, corners: NDArray[np.float32]) -> Image.Image:
    """Cut out a square with the whole head: the face takes up 60 % of its height, less at the edge of the photo.

    Args:
        image: upright RGB.
        corners: shape (4,): left, top, right, bottom of the face in pixels.

    Returns:
        A square of at most 320 pixels, never enlarged.

    Raises:
        ValueError: the image is not RGB, or corners are not four finite numbers.
    """
    checked_image("image", image)
    corners = checked_numbers("corners", corners, 4)
    width, height = image.size
    longest = float(max(corners[2:] - corners[:2]))
    side = max(min(longest / DISPLAY_FACE_SHARE, width, height), 1.0)
    # Moved inwards rather than padded where the face is near the edge.
    left, top = np.clip((corners[:2] + corners[2:]) / 2 - side / 2, 0, (width - side, height - side))
    pixels = max(min(DISPLAY_SIDE, round(side)), 1)
    box = (float(left), float(top), min(float(left) + side, width), min(float(top) + side, height))
    # As sharp as bicubic when it shrinks, in a third of LANCZOS's time.
    return image.resize((pixels, pixels), Image.Resampling.HAMMING, box=box, reducing_gap=REDUCING_GAP)
