"""Draws pictures in which there is no face: lettering, and blurs with spots."""

from __future__ import annotations

import string

import numpy as np
from PIL import Image, ImageDraw, ImageFont

WIDTH, HEIGHT = 640, 480
CHARACTERS = string.ascii_letters + string.digits + "&%@#?!"
OCTAVES = 6  # of a blur: from 6 x 8 blotches to 192 x 256


def lettering(random: np.random.Generator) -> Image.Image:
    """3 to 24 words of random characters, sizes and colours over one another."""
    image = Image.new("RGB", (WIDTH, HEIGHT), _colour(random))
    draw = ImageDraw.Draw(image)
    for _ in range(int(random.integers(3, 25))):
        size = float(np.exp(random.uniform(np.log(14), np.log(160))))
        word = "".join(random.choice(list(CHARACTERS), int(random.integers(2, 9))))
        place = float(random.uniform(-20, WIDTH - 40)), float(random.uniform(-10, HEIGHT - 20))
        draw.text(place, word, fill=_colour(random), font=ImageFont.load_default(size))
    return image


def blotches(random: np.random.Generator) -> Image.Image:
    """Noise of several coarsenesses, more or less coloured, with up to 60 spots on it."""
    pixels = np.full((HEIGHT, WIDTH, 3), 128.0)
    for octave in range(1, OCTAVES + 1):
        noise = random.normal(size=(3 * 2**octave, 4 * 2**octave, 3))
        grey = noise.mean(axis=2, keepdims=True)
        noise = (grey + (noise - grey) * random.uniform(0, 0.6)).astype(np.float32)
        strength = random.uniform(0.2, 1) ** octave * random.uniform(20, 60)
        for channel in range(3):
            plane = Image.fromarray(noise[..., channel]).resize((WIDTH, HEIGHT), Image.Resampling.BICUBIC)
            pixels[..., channel] += strength * np.asarray(plane)
    image = Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8))
    draw = ImageDraw.Draw(image)
    for _ in range(int(random.integers(0, 60))):
        left, top = random.uniform(0, WIDTH), random.uniform(0, HEIGHT)
        width = float(np.exp(random.uniform(1, 4.5)))
        box = (left, top, left + width, top + width * random.uniform(0.5, 1.5))
        paint = draw.ellipse if random.random() < 0.5 else draw.rectangle
        paint(box, fill=_colour(random))
    return image


def _colour(random: np.random.Generator) -> tuple[int, int, int]:
    red, green, blue = random.integers(0, 256, 3).tolist()
    return red, green, blue
