// Random bytes that are the same in every run: what failed once fails again. (mulberry32)
export class Random {
    constructor(seed) {
        this.state = seed >>> 0;
    }

    next() {
        this.state = (this.state + 0x6d2b79f5) >>> 0;
        let t = this.state;
        t = Math.imul(t ^ (t >>> 15), t | 1);
        t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
        return (t ^ (t >>> 14)) >>> 0;
    }

    below(limit) {
        return this.next() % limit;
    }

    bytes(length) {
        return Buffer.from(Array.from({ length }, () => this.next() & 0xff));
    }
}
