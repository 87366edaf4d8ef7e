// The web application's end of a webhook: keeps the requests that come, and answers them as it is told.

import { once } from 'node:events';
import http from 'node:http';
import { Waiter } from './waiter.mjs';

export class WebhookReceiver extends Waiter {
    // `answer(request, response, number)` may answer otherwise than with 200.
    static async start(answer = (request, response) => response.end('ok')) {
        const receiver = new WebhookReceiver();
        receiver.requests = [];
        receiver.count = 0;
        receiver.server = http.createServer((request, response) => {
            let body = '';
            request.setEncoding('utf8').on('data', (text) => (body += text));
            request.on('end', () => {
                const { method, url, headers } = request;
                receiver.requests.push({ method, url, headers, body, at: Date.now() });
                receiver.wake();
                answer(request, response, ++receiver.count);
            });
        });
        receiver.server.listen(0, '127.0.0.1');
        await once(receiver.server, 'listening');
        receiver.url = `http://127.0.0.1:${receiver.server.address().port}/hook`;
        return receiver;
    }

    // The next request that was not taken yet; throws when none comes in time.
    async next(timeoutMs = 30000) {
        if (!(await this.until(() => this.requests.length > 0, timeoutMs))) throw new Error('no webhook was called');
        return this.requests.shift();
    }

    close() {
        this.server.closeAllConnections();
        this.server.close();
    }
}
