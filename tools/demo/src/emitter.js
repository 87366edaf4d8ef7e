// The smallest event emitter that serves: named events, listeners called in order.
export class Emitter {
    #listeners = new Map();

    /** Calls `listener` for each `name` event; returns a function that ends it. */
    on(name, listener) {
        const list = this.#listeners.get(name) ?? new Set();
        this.#listeners.set(name, list.add(listener));
        return () => list.delete(listener);
    }

    emit(name, ...args) {
        for (const listener of this.#listeners.get(name) ?? []) {
            listener(...args);
        }
    }
}
