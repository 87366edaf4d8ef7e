// Where tiles go, as plain arithmetic: sizes in CSS pixels, tiles always 16:9, nothing ever wider or higher than
// the room there is.

export const RATIO = 16 / 9;

/** The grid that gives `count` tiles the most room: {columns, rows, width, height} of a tile. */
export function bestGrid(count, width, height, gap) {
    let best = { columns: 1, rows: Math.max(1, count), width: 0, height: 0 };
    for (let columns = 1; columns <= count; columns++) {
        const rows = Math.ceil(count / columns);
        const roomX = (width - gap * (columns - 1)) / columns;
        const roomY = (height - gap * (rows - 1)) / rows;
        const tileWidth = Math.floor(Math.max(0, Math.min(roomX, roomY * RATIO)));
        if (tileWidth > best.width) {
            best = { columns, rows, width: tileWidth, height: Math.floor(tileWidth / RATIO) };
        }
    }
    return best;
}

const STRIP_MIN = 120;

/**
 * A large tile with `count` small ones beside (wide) or under it (high): {side: 'right' | 'bottom', stage: {width,
 * height}, strip: {width, height, columns}} where strip is one small tile. `columns` is 0 for a single line that
 * scrolls when it is too long; under a large tile that leaves room the small ones are in a grid of so many columns.
 */
export function stageLayout(count, width, height, gap) {
    if (count === 0) {
        return { side: 'right', stage: fit(width, height), strip: { width: 0, height: 0, columns: 0 } };
    }
    const beside = fit(clamp(width * 0.2, STRIP_MIN, 260), height * 0.22);
    const right = { side: 'right', stage: fit(width - beside.width - gap, height), strip: { ...beside, columns: 0 } };
    const under = fit(clamp(width * 0.4, STRIP_MIN, 220), height * 0.22);
    const bottom = { side: 'bottom', stage: fit(width, height - under.height - gap), strip: { ...under, columns: 0 } };
    const grid = bestGrid(count, width, height - bottom.stage.height - gap, gap);
    if (grid.width >= STRIP_MIN) {
        bottom.strip = { ...fit(Math.min(grid.width, width * 0.7), grid.height), columns: grid.columns };
    }
    return bottom.stage.width > right.stage.width ? bottom : right;
}

function fit(width, height) {
    const tileWidth = Math.floor(Math.max(0, Math.min(width, height * RATIO)));
    return { width: tileWidth, height: Math.floor(tileWidth / RATIO) };
}

function clamp(value, low, high) {
    return Math.min(high, Math.max(low, value));
}
