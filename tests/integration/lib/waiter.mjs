// Something that receives: whoever waits for a condition on it is asked again at every wake().
export class Waiter {
    constructor() {
        this.waiting = new Set();
    }

    wake() {
        for (const check of this.waiting) check();
    }

    // Waits until `done()` is true or time is up; returns whether it is.
    until(done, timeoutMs) {
        return new Promise((resolve) => {
            const finish = (result) => {
                clearTimeout(timer);
                this.waiting.delete(check);
                resolve(result);
            };
            const check = () => {
                if (done()) finish(true);
            };
            const timer = setTimeout(() => finish(Boolean(done())), timeoutMs);
            this.waiting.add(check);
            check();
        });
    }
}
