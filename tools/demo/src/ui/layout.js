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

/**
 * A large tile beside (wide) or above (high) a strip of `count` small ones:
 * {side: 'right' | 'bottom', stage: {width, height}, strip: {width, height} of one small tile}.
 */
export function stageLayout(count, width, height, gap) {
    if (count === 0) {
        return { side: 'right', stage: fit(width, height), strip: { width: 0, height: 0 } };
    }
    const candidates = ['right', 'bottom'].map((side) => {
        const strip = fit(side === 'right' ? clamp(width * 0.2, 120, 260) : clamp(width * 0.4, 120, 220), height * 0.22);
        const stage = side === 'right'
            ? fit(width - strip.width - gap, height)
            : fit(width, height - strip.height - gap);
        return { side, stage, strip };
    });
    return candidates[1].stage.width > candidates[0].stage.width ? candidates[1] : candidates[0];
}

function fit(width, height) {
    const tileWidth = Math.floor(Math.max(0, Math.min(width, height * RATIO)));
    return { width: tileWidth, height: Math.floor(tileWidth / RATIO) };
}

function clamp(value, low, high) {
    return Math.min(high, Math.max(low, value));
}
