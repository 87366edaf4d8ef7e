// The tiles' place: a grid of equals, or one large tile with the others in a strip. The large one is the pinned
// tile, else a screen that is being shown.
import { bestGrid, stageLayout } from './layout.js';
import { h } from './dom.js';

export class Grid {
    #tiles = new Map();
    #pinned = null;
    #stage = h('div', { class: 'stage', hidden: true });
    #rest = h('div', { class: 'tiles' });

    constructor() {
        this.element = h('div', { class: 'grid', role: 'group', 'aria-label': 'Participants' }, this.#stage, this.#rest);
        new ResizeObserver(() => this.#layout()).observe(this.element);
    }

    get(id) {
        return this.#tiles.get(id);
    }

    get tiles() {
        return [...this.#tiles.values()];
    }

    add(tile) {
        this.#tiles.set(tile.id, tile);
        this.#arrange();
    }

    remove(id) {
        this.#tiles.get(id)?.remove();
        this.#tiles.delete(id);
        this.#arrange();
    }

    togglePin(id) {
        this.#pinned = this.#large() === id ? '' : id;
        this.#arrange();
        this.#tiles.get(id)?.element.querySelector('.tile-pin').focus();
    }

    /** Whose tile is large: null pins nothing yet, '' means that the user wants none. */
    #large() {
        if (this.#tiles.has(this.#pinned)) {
            return this.#pinned;
        }
        const screens = [...this.#tiles.keys()].filter((id) => id.endsWith(':screen'));
        if (screens.length === 0 && this.#pinned === '') {
            this.#pinned = null;
        }
        return this.#pinned === '' ? null : screens.at(-1) ?? null;
    }

    #arrange() {
        const large = this.#large();
        for (const [id, tile] of this.#tiles) {
            tile.setPinned(id === large);
            const place = id === large ? this.#stage : this.#rest;
            if (tile.element.parentElement !== place) {
                place.append(tile.element);
            }
        }
        this.#stage.hidden = large === null;
        this.element.classList.toggle('with-stage', large !== null);
        this.#layout();
    }

    #layout() {
        const style = getComputedStyle(this.element);
        const gap = Number.parseFloat(style.gap) || 0;
        const width = this.element.clientWidth - Number.parseFloat(style.paddingLeft) - Number.parseFloat(style.paddingRight);
        const height = this.element.clientHeight - Number.parseFloat(style.paddingTop) - Number.parseFloat(style.paddingBottom);
        const set = (name, value) => this.element.style.setProperty(name, `${value}px`);

        if (this.#stage.hidden) {
            const grid = bestGrid(this.#tiles.size, width, height, gap);
            set('--tile-width', grid.width);
            set('--tile-height', grid.height);
            set('--row-width', grid.columns * grid.width + (grid.columns - 1) * gap);
            return;
        }
        const { side, stage, strip } = stageLayout(this.#tiles.size - 1, width, height, gap);
        this.element.dataset.side = side;
        set('--stage-width', stage.width);
        set('--stage-height', stage.height);
        set('--tile-width', strip.width);
        set('--tile-height', strip.height);
        this.element.classList.toggle('wrapped', strip.columns > 0);
        set('--row-width', strip.columns * strip.width + (strip.columns - 1) * gap);
    }
}
