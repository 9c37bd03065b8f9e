"""Writes the small data files beside it with NumPy and SciPy themselves. Run: python3 make_goldens.py"""
import os
import numpy as np
import scipy.sparse as sp

here = os.path.dirname(os.path.abspath(__file__))
path = lambda name: os.path.join(here, name)
a = np.array([[0, 1.5, -2], [3, 4.25, 65504]])
np.save(path("f2-fortran.npy"), np.asfortranarray(a.astype("<f2")))
np.save(path("f8-big.npy"), a.astype(">f8"))
np.save(path("bool.npy"), a > 1)
np.save(path("cube-fortran.npy"), np.asfortranarray(np.arange(24, dtype="<i4").reshape(2, 3, 4)))
np.save(path("labels-i8.npy"), np.array([2, 0], dtype="<i8"))
np.save(path("complex.npy"), a.astype("<c8"))
np.save(path("objects.npy"), np.array([{}, 1], dtype=object), allow_pickle=True)
with open(path("version3.npy"), "wb") as file:
    np.lib.format.write_array(file, a.astype("<f4"), version=(3, 0))
np.savez(path("stored.npz"), a.astype("<f4"))
np.savez_compressed(path("deflated.npz"), x=a.astype("<f4"), y=np.array([2, 0]))
m = sp.csr_matrix((np.array([1.5, 2, 3, 4]), np.array([2, 0, 2, 1]), np.array([0, 3, 3, 4])), shape=(3, 4))  # row 0: unsorted, column 2 twice
sp.save_npz(path("csr.npz"), m)
sp.save_npz(path("csr-stored.npz"), sp.csr_array(m), compressed=False)
sp.save_npz(path("csc.npz"), m.tocsc())
