// Which way media takes, as the page knows it. Runs in the page.

// Of each transport's selected pair: the server's candidate, the type of the browser's own, and the browser's user name
// fragment.
export function selectedPairs() {
    return Promise.all([...window.kolabmeet.room.session.transports.values()].map(async (transport) => {
        const stats = await transport.getStats();
        const reports = [...stats.values()];
        const { selectedCandidatePairId, iceLocalUsernameFragment } = reports.find(({ type }) => type === 'transport');
        const pair = stats.get(selectedCandidatePairId);
        const local = stats.get(pair.localCandidateId);
        const remote = stats.get(pair.remoteCandidateId);
        return {
            ufrag: iceLocalUsernameFragment, type: local.candidateType,
            address: remote.address, port: remote.port, protocol: remote.protocol,
        };
    }));
}
