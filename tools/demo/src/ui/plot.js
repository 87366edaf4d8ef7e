// A small plot of the last minute and a half: bitrate as a hill, the estimate above it dashed, what is received in all
// as a line; loss as bars from below; under it all the layer as a strip, brighter for a better one.
import { History, SAMPLES } from '../plots.js';
import { formatBitrate } from '../stats.js';
import { h } from './dom.js';

const COLORS = { hill: '#5b8cff', estimate: '#f5b84b', received: '#9dbbff', loss: '#ff8086', layer: '#3ecf8e', grid: 'rgb(255 255 255 / 12%)', text: '#c3cad9' };
const STRIP = 4;
const LOSS_FULL = 20; // percent that fill the plot

export class Plot {
    #canvas = h('canvas', { role: 'img' });
    #caption = h('figcaption');
    history = new History();

    constructor() {
        this.element = h('figure', { class: 'tile-plot' }, this.#canvas, this.#caption);
    }

    add(sample) {
        this.history.add(sample);
        if (this.element.offsetParent) {
            this.#describe();
            this.#draw();
        }
    }

    #describe() {
        const { bitrate, loss, received, estimate, layer, layers, note } = this.history.last;
        const parts = [
            received === null ? null : ['received', `in ${formatBitrate(received)}`],
            estimate === null ? null : ['estimate', `could be ${formatBitrate(estimate)}`],
            bitrate === null ? null : ['hill', `${received === null ? '' : 'out '}${formatBitrate(bitrate)}`],
            loss ? ['loss', `${loss.toFixed(1)} % lost`] : null,
            layers > 1 && layer !== null ? ['layer', `layer ${layer + 1} of ${layers}`] : null,
            note ? ['note', note] : null,
        ].filter(Boolean);
        this.#caption.replaceChildren(...parts.map(([name, text]) => h('span', { class: `plot-${name}` }, text)));
        this.#canvas.setAttribute('aria-label', parts.map(([, text]) => text).join(', ') || 'no media');
    }

    #draw() {
        const { clientWidth: width, clientHeight: height } = this.#canvas;
        const ratio = devicePixelRatio || 1;
        if (width === 0 || height <= STRIP) {
            return;
        }
        if (this.#canvas.width !== Math.round(width * ratio) || this.#canvas.height !== Math.round(height * ratio)) {
            this.#canvas.width = Math.round(width * ratio);
            this.#canvas.height = Math.round(height * ratio);
        }
        const pen = this.#canvas.getContext('2d');
        pen.setTransform(ratio, 0, 0, ratio, 0, 0);
        pen.clearRect(0, 0, width, height);
        const { samples, scale } = this.history;
        const bottom = height - STRIP - 1;
        const x = (index) => width - (samples.length - 1 - index) * (width / (SAMPLES - 1));
        const y = (bitrate) => bottom - Math.min(1, bitrate / scale) * (bottom - 1);

        pen.fillStyle = COLORS.grid;
        for (const part of [0, 0.5]) {
            pen.fillRect(0, Math.round(part * bottom), width, 1);
        }
        pen.fillStyle = COLORS.text;
        pen.font = '9px Inter, sans-serif';
        pen.fillText(formatBitrate(scale), 2, 10);
        hill(pen, samples, x, y, bottom);
        line(pen, samples, 'received', COLORS.received, [], x, y);
        line(pen, samples, 'estimate', COLORS.estimate, [3, 3], x, y);
        samples.forEach(({ loss, layer, layers }, index) => {
            const step = width / (SAMPLES - 1);
            pen.fillStyle = COLORS.loss;
            const part = Math.min(1, (loss ?? 0) / LOSS_FULL) * bottom;
            pen.fillRect(x(index) - step, bottom - part, Math.max(1.5, step * 0.7), part);
            if (layer !== null && layers) {
                pen.globalAlpha = 0.35 + (0.65 * (layer + 1)) / layers;
                pen.fillStyle = COLORS.layer;
                const from = Math.round(x(index) - step); // whole pixels: no seams between samples
                pen.fillRect(from, height - STRIP, Math.round(x(index)) - from, STRIP);
                pen.globalAlpha = 1;
            }
        });
    }
}

function hill(pen, samples, x, y, bottom) {
    if (samples.length < 2) {
        return;
    }
    pen.beginPath();
    pen.moveTo(x(0), bottom);
    samples.forEach(({ bitrate }, index) => pen.lineTo(x(index), y(bitrate ?? 0)));
    pen.lineTo(x(samples.length - 1), bottom);
    pen.fillStyle = 'rgb(91 140 255 / 30%)';
    pen.fill();
    line(pen, samples, 'bitrate', COLORS.hill, [], x, y);
}

function line(pen, samples, key, color, dash, x, y) {
    pen.beginPath();
    let drawn = false;
    samples.forEach(({ [key]: value }, index) => {
        if (value === null) {
            drawn = false;
            return;
        }
        pen[drawn ? 'lineTo' : 'moveTo'](x(index), y(value));
        drawn = true;
    });
    pen.setLineDash(dash);
    pen.lineWidth = 1.5;
    pen.strokeStyle = color;
    pen.stroke();
    pen.setLineDash([]);
}
